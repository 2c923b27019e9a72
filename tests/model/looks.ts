import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { limitOf, live, type Model, type Project, usageOf, type Volume } from './model.ts';
import { index, pick, project } from './planned.ts';
import type { Real } from './real.ts';

/** A read, and what it must show: what is wrong with the answer, or null. */
export interface Look {
  readonly shown: string;
  look(model: Model, real: Real): Promise<string | null>;
}

const own = (model: Model, project: Project): Volume[] =>
  live(model.volumes).filter((volume) => volume.project === project);

const same = (is: unknown, must: unknown): string | null =>
  isDeepStrictEqual(is, must) ? null : `is ${JSON.stringify(is)}, the model has ${JSON.stringify(must)}`;

/** Null before everything, texts by their code units. */
const compare = (one: unknown, other: unknown): number => {
  if (one === other) return 0;
  if (one === null || other === null) return one === null ? -1 : 1;
  return (one as string | number) < (other as string | number) ? -1 : 1;
};

/** In the order of a list: by the key, then by the time of creation and the id, all in one direction. */
function inOrder(volumes: readonly Volume[], key: 'name' | 'size' | 'createdAt', direction: 'asc' | 'desc'): Volume[] {
  const sign = direction === 'asc' ? 1 : -1;
  return volumes.toSorted(
    (one, other) =>
      sign * (compare(one[key], other[key]) || compare(one.createdAt, other.createdAt) || compare(one.id, other.id)),
  );
}

const KEYS = { name: 'name', size: 'size', created_at: 'createdAt' } as const;

const pages = fc
  .record({
    project,
    key: fc.constantFrom(...(Object.keys(KEYS) as (keyof typeof KEYS)[])),
    direction: fc.constantFrom('asc' as const, 'desc' as const),
    limit: fc.integer({ min: 1, max: 3 }),
  })
  .map(
    ({ project, key, direction, limit }): Look => ({
      shown: `${project} pages through volumes by ${limit}, sorted by ${key} ${direction}`,
      look: async (model, real) => {
        const ids: string[] = [];
        let query: string | null = `?limit=${limit}&sort=${key}:${direction}`;
        while (query !== null) {
          const { json } = await real.ask({ method: 'GET', path: `/volumes${query}`, project });
          ids.push(...json.volumes.map(({ id }: Volume) => id));
          const next: string | undefined = json.volumes_links?.[0].href;
          query = next === undefined ? null : new URL(next).search;
          if (ids.length > 1_000) return 'pages do not end';
        }
        const must = inOrder(own(model, project), KEYS[key], direction).map(({ id }) => id);
        return same(ids, must);
      },
    }),
  );

const filters = fc
  .record({ project, which: fc.constantFrom('status', 'name', 'metadata', 'size', 'bootable', 'nothing'), n: index })
  .map(
    ({ project, which, n }): Look => ({
      shown: `${project} lists volumes by ${which}`,
      look: async (model, real) => {
        const like = pick(own(model, project), n + 1);
        if (like === null) return null;
        const [key, value] = Object.entries(like.metadata)[0] ?? ['k1', 'x'];
        const conditions: Readonly<Record<string, readonly [query: string, (volume: Volume) => boolean]>> = {
          status: [`status=${like.status}`, ({ status }) => status === like.status],
          name: [`name=${like.name ?? 'nobody'}`, ({ name }) => name === (like.name ?? 'nobody')],
          metadata: [
            `metadata=${encodeURIComponent(`{'${key}': '${value}'}`)}`,
            ({ metadata }) => Object.hasOwn(metadata, key) && metadata[key] === value,
          ],
          size: [`size=${like.size}`, ({ size }) => size === like.size],
          bootable: ['bootable=true', ({ bootable }) => bootable],
          nothing: ['with_count=true', () => true],
        };
        const [query, matches] = conditions[which] ?? ['', () => true];
        const { json } = await real.ask({ method: 'GET', path: `/volumes?${query}&with_count=true`, project });
        const must = own(model, project).filter(matches);
        const ids = json.volumes.map(({ id }: Volume) => id).sort();
        return same({ ids, count: json.count }, { ids: must.map(({ id }) => id).sort(), count: must.length });
      },
    }),
  );

const summary = fc.record({ project }).map(
  ({ project }): Look => ({
    shown: `${project} asks for the summary`,
    look: async (model, real) => {
      const { json } = await real.ask({ method: 'GET', path: '/volumes/summary', project });
      const volumes = own(model, project);
      const { total_count, total_size } = json['volume-summary'];
      const must = { total_count: volumes.length, total_size: volumes.reduce((sum, { size }) => sum + size, 0) };
      return same({ total_count, total_size }, must);
    },
  }),
);

const limits = fc.record({ project }).map(
  ({ project }): Look => ({
    shown: `${project} asks for its limits`,
    look: async (model, real) => {
      const { json } = await real.ask({ method: 'GET', path: '/limits', project });
      const { absolute } = json.limits;
      const usage = usageOf(model, project);
      const must = {
        maxTotalVolumes: limitOf(model, project, 'volumes'),
        maxTotalSnapshots: limitOf(model, project, 'snapshots'),
        maxTotalVolumeGigabytes: limitOf(model, project, 'gigabytes'),
        totalVolumesUsed: usage.volumes ?? 0,
        totalSnapshotsUsed: usage.snapshots ?? 0,
        totalGigabytesUsed: usage.gigabytes ?? 0,
      };
      return same(Object.fromEntries(Object.keys(must).map((key) => [key, absolute[key]])), must);
    },
  }),
);

export const lookCommands: readonly fc.Arbitrary<Look>[] = [pages, filters, filters, summary, limits];
