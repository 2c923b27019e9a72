import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteEventStore } from '../../src/adapters/sqlite/event-store.ts';
import { discardSqliteReadStore, openSqliteReadStore } from '../../src/adapters/sqlite/read-store.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import type { ReadStore } from '../../src/ports/read-store.ts';
import { allProjections } from '../../src/projections/all.ts';
import { decodeRecorded } from '../../src/projections/catalogue.ts';
import { rebuildAlone } from '../../src/projections/rebuild-alone.ts';
import { createProjectionRunner, type ProjectionRunner } from '../../src/projections/runner.ts';
import { createVolumeQueries } from '../../src/projections/volumes.ts';
import { append } from './recorded.ts';
import { clock, requestOf, statusOf, updateOf } from './world.ts';

/** The same on the embedded stores: two files and a writer thread. */

let directory: string;
let eventStore: EventStore;
let readStore: ReadStore;
let runner: ProjectionRunner;

const logger = { info: () => {}, warn: () => {}, error: () => {} };

const runnerOptions = () => ({
  eventStore,
  readStore,
  projections: allProjections,
  decode: decodeRecorded,
  logger,
  clock,
});

async function open(): Promise<void> {
  eventStore = await openSqliteEventStore({ file: join(directory, 'events.db') });
  readStore = await openSqliteReadStore({ file: join(directory, 'read.db') });
  runner = createProjectionRunner(runnerOptions());
  await runner.start();
}

async function close(): Promise<void> {
  await runner.stop();
  await readStore.close();
  await eventStore.close();
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'scoria-projections-'));
  await open();
});

afterEach(async () => {
  await close();
  await rm(directory, { recursive: true });
});

const create = (volumeId: string) => append(eventStore, `volume-${volumeId}`, requestOf(volumeId));
const nameOf = async (volumeId: string) => (await createVolumeQueries(readStore).get(volumeId))?.name;

describe('the embedded stores', () => {
  it('show a write once its position was waited for, also after a restart', async () => {
    expect(await runner.waitFor(await create('v1'), 2_000)).toBe(true);
    expect(await nameOf('v1')).toBe('data');
    await close();
    await open();
    expect(await runner.waitFor(await append(eventStore, 'volume-v1', updateOf('v1', 'renamed')), 2_000)).toBe(true);
    expect(await nameOf('v1')).toBe('renamed');
    expect(runner.status().filter(({ stopped, lag }) => stopped !== null || lag > 0)).toEqual([]);
  });

  it('fill a read store that is not there any more', async () => {
    await create('v1');
    const position = await create('v2');
    await close();
    discardSqliteReadStore(join(directory, 'read.db'));
    await open();
    expect(await runner.waitFor(position, 2_000)).toBe(true);
    expect((await createVolumeQueries(readStore).list({ projectId: 'p1' })).map(({ id }) => id)).toEqual(['v2', 'v1']);
  });

  it('notice a read store that is ahead of the log, and rebuild it', async () => {
    await runner.waitFor(await create('lost'), 2_000);
    await close();
    await rm(join(directory, 'events.db'));
    await open();
    const position = await create('v1');
    await expect.poll(() => statusOf(runner, 'volumes').stopped).toBeNull();
    expect(await runner.waitFor(position, 2_000)).toBe(true);
    expect((await createVolumeQueries(readStore).list({ projectId: 'p1' })).map(({ id }) => id)).toEqual(['v1']);
  });

  it('rebuild beside the live version while clients write', async () => {
    for (let at = 0; at < 20; at += 1) await create(`v${at}`);
    const rebuilding = runner.rebuild(allProjections.map(({ collection }) => collection.name));
    let position = 0n;
    for (let at = 20; at < 60; at += 1) position = await create(`v${at}`);
    const results = await rebuilding;
    expect(results.map(({ outcome }) => outcome)).toEqual(allProjections.map(() => 'switched'));
    expect(results.flatMap(({ comparison }) => comparison?.differing ?? [])).toEqual([]);
    expect(await runner.waitFor(position, 2_000)).toBe(true);
    expect(await createVolumeQueries(readStore).count({ projectId: 'p1' })).toBe(60);
    expect((await readStore.versions('volumes')).map(({ version }) => version)).toEqual([1_001]);
  });

  it('are rebuilt without a server', async () => {
    await runner.waitFor(await create('v1'), 2_000);
    await runner.stop();
    await create('v2');
    const [result] = await rebuildAlone(runnerOptions(), ['volumes']);
    expect(result).toMatchObject({
      outcome: 'switched',
      comparison: { counts: { live: 2, rebuilt: 2 }, differing: [] },
    });
    expect(await nameOf('v2')).toBe('data');
  });
});

describe('the list of volumes', () => {
  it('pages by marker through any order, and starts behind it', async () => {
    for (let at = 0; at < 7; at += 1) {
      const name = at % 2 === 0 ? 'even' : null;
      await append(eventStore, `volume-v${at}`, {
        ...requestOf(`v${at}`),
        data: { ...requestOf(`v${at}`).data, name },
      });
    }
    await runner.waitFor((await eventStore.head()) ?? 0n, 2_000);
    const volumes = createVolumeQueries(readStore);
    for (const direction of ['asc', 'desc'] as const) {
      const options = { projectId: 'p1', sort: [{ field: 'name', direction }] };
      const whole = await volumes.list(options);
      const paged: string[] = [];
      for (let marker = null as (typeof whole)[number] | null; ; ) {
        const page = await volumes.list({ ...options, marker, limit: 2 });
        paged.push(...page.map(({ id }) => id));
        marker = page.at(-1) ?? null;
        if (page.length < 2) break;
      }
      expect(paged).toEqual(whole.map(({ id }) => id));
      expect(paged).toHaveLength(7);
    }
  });

  it('never leaves its project, whatever is filtered by', async () => {
    await runner.waitFor(await create('v1'), 2_000);
    const volumes = createVolumeQueries(readStore);
    expect(await volumes.list({ projectId: 'p2', where: { projectId: { eq: 'p1' } } })).toEqual([]);
    expect(await volumes.count({ projectId: 'p2', where: { projectId: { eq: 'p1' } } })).toBe(0);
  });

  it('is summed up by project', async () => {
    await append(eventStore, 'volume-v1', requestOf('v1', 3));
    await append(eventStore, 'volume-v2', {
      ...requestOf('v2', 4),
      data: { ...requestOf('v2', 4).data, metadata: { a: 'x' } },
    });
    const other = { ...requestOf('v3', 9).data, projectId: 'p2', metadata: { a: 'y' } };
    await runner.waitFor(await append(eventStore, 'volume-v3', { ...requestOf('v3'), data: other }), 2_000);
    const volumes = createVolumeQueries(readStore);
    expect(await volumes.summary('p1')).toEqual({ count: 2, totalSizeGiB: 7 });
    expect(await volumes.summary(null)).toEqual({ count: 3, totalSizeGiB: 16 });
    expect(await volumes.distinctMetadata('p1')).toEqual({ a: ['x'] });
    const everywhere = await volumes.distinctMetadata(null);
    expect([...(everywhere.a ?? [])].sort()).toEqual(['x', 'y']);
  });
});
