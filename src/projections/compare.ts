import { isDeepStrictEqual } from 'node:util';
import type { Document, ReadStore, SortKey } from '../ports/read-store.ts';

/** What two versions of a collection at the same position have in common. */
export interface Comparison {
  readonly counts: { readonly live: number; readonly rebuilt: number };
  readonly sampled: number;
  /** Ids of sampled documents that differ, or that only one of both has; empty and equal counts: they agree. */
  readonly differing: readonly string[];
}

const ENDS = 100;
const PER_PREFIX = 10;
/** Ids are UUIDs for the most part: documents behind each of these are spread over the collection. */
const PREFIXES = [...'0123456789abcdef'];

export const agrees = ({ counts, differing }: Comparison): boolean =>
  counts.live === counts.rebuilt && differing.length === 0;

/** Compares counts and a sample taken from both ends and all over the ids of both versions. */
export async function compareVersions(
  readStore: ReadStore,
  collection: string,
  live: number,
  rebuilt: number,
): Promise<Comparison> {
  const [liveCount, rebuiltCount] = await Promise.all([
    readStore.count(collection, {}, live),
    readStore.count(collection, {}, rebuilt),
  ]);
  const ids = new Set([
    ...(await sample(readStore, collection, live)),
    ...(await sample(readStore, collection, rebuilt)),
  ]);
  const sampled = [...ids];
  const [ofLive, ofRebuilt] = await Promise.all([
    byId(readStore, collection, sampled, live),
    byId(readStore, collection, sampled, rebuilt),
  ]);
  return {
    counts: { live: liveCount, rebuilt: rebuiltCount },
    sampled: sampled.length,
    differing: sampled.filter((id) => !isDeepStrictEqual(ofLive.get(id), ofRebuilt.get(id))),
  };
}

async function sample(readStore: ReadStore, collection: string, version: number): Promise<readonly string[]> {
  const order = (direction: SortKey['direction']) => [{ field: 'id', direction }];
  const pages = await Promise.all([
    readStore.find(collection, { sort: order('asc'), limit: ENDS }, version),
    readStore.find(collection, { sort: order('desc'), limit: ENDS }, version),
    ...PREFIXES.map((id) =>
      readStore.find(collection, { sort: order('asc'), after: { id }, limit: PER_PREFIX }, version),
    ),
  ]);
  return pages.flat().map(({ id }) => id);
}

async function byId(
  readStore: ReadStore,
  collection: string,
  ids: readonly string[],
  version: number,
): Promise<ReadonlyMap<string, Document>> {
  const found = await readStore.getMany(collection, ids, version);
  return new Map(found.map((document) => [document.id, document]));
}
