import type { Clock } from '../../ports/clock.ts';
import type { Position } from '../../ports/event-store.ts';
import {
  type Checkpoint,
  CheckpointMoved,
  type Document,
  type FindOptions,
  type ReadStore,
  type Where,
  type Write,
} from '../../ports/read-store.ts';
import { type CollectionVersions, createCollectionVersions } from './collection-versions.ts';
import { connectMongo, type MongoConnection, type MongoOptions } from './connection.ts';
import { writeDocuments } from './document-writes.ts';
import { matching, pathOf, queriesOf } from './query.ts';
import { readDocument } from './stored-document.ts';

export interface MongoReadStoreOptions extends MongoOptions {
  /** Ages tombstones. */
  readonly clock: Pick<Clock, 'now'>;
}

/** A tombstone stays so long at least: a writer that slept must not revive what was deleted meanwhile. */
const TOMBSTONE_MS = 24 * 60 * 60 * 1_000;
const PURGE_EVERY_MS = 60_000;
/** Documents that a server sends at once. */
const BATCH = 1_000;

/**
 * Read models in MongoDB, without transactions: each document is written only over an older state of itself, and the
 * checkpoint moves last, by compare and set. A writer that dies in between leaves documents ahead of the checkpoint;
 * whoever goes on folds each from its own position (`getManyAt`) and writes the rest. Throws StoreUnavailable.
 */
export async function openMongoReadStore(options: MongoReadStoreOptions): Promise<ReadStore> {
  const mongo = await connectMongo(options);
  const versions = createCollectionVersions(mongo);
  const writing = createWriting(mongo, versions, options.clock);

  /**
   * Reads the live version. An empty answer of one that another process has just replaced and dropped is no answer: so
   * where nothing is found, which version is live is asked again.
   */
  const reading = async <T>(
    collection: string,
    version: number | undefined,
    read: (version: number) => Promise<T>,
    isEmpty: (answer: T) => boolean,
  ): Promise<T> => {
    if (version !== undefined) return read(version);
    const startedAt = performance.now();
    const live = await versions.live(collection);
    const answer = await read(live);
    if (!isEmpty(answer)) return answer;
    const now = await versions.live(collection, startedAt);
    return now === live ? answer : read(now);
  };

  const getMany = async (collection: string, ids: readonly string[], version: number) => {
    const stored = await mongo.read(() =>
      versions
        .documents(collection, version)
        .find({ _id: { $in: [...ids] } }, { batchSize: BATCH })
        .toArray(),
    );
    return new Map(stored.map((one) => [one._id, one]));
  };

  return {
    ensure: versions.ensure,
    get: (collection, id, version) =>
      reading(
        collection,
        version,
        async (at) => {
          const stored = await mongo.read(() => versions.documents(collection, at).findOne({ _id: id }));
          return stored === null ? null : readDocument(stored);
        },
        (document) => document === null,
      ),
    getMany: (collection, ids, version) =>
      reading(
        collection,
        version,
        async (at): Promise<readonly Document[]> => {
          const stored = await getMany(collection, ids, at);
          return ids.map((id) => documentIn(stored.get(id))).filter((document) => document !== null);
        },
        (documents) => documents.length < ids.length,
      ),
    getManyAt: async (collection, ids, version) =>
      [...(await getMany(collection, ids, version)).values()].map((stored) => ({
        id: stored._id,
        document: readDocument(stored),
        position: stored.position,
      })),
    find: (collection, options, version) =>
      reading(
        collection,
        version,
        (at) => find(mongo, versions, collection, at, options),
        (documents) => documents.length === 0,
      ),
    count: (collection, where, version) =>
      reading(
        collection,
        version,
        async (at) =>
          Number(await mongo.read(() => versions.documents(collection, at).countDocuments(matching(where)))),
        (count) => count === 0,
      ),
    sum: (collection, field, where, version) =>
      reading(
        collection,
        version,
        (at) => sum(mongo, versions, collection, at, field, where),
        (total) => total === 0,
      ),
    write: writing.write,
    checkpoint: versions.checkpoint,
    versions: versions.list,
    switchTo: versions.switchTo,
    drop: async (collection, version) => {
      writing.forget(collection, version);
      await versions.drop(collection, version);
    },
    close: mongo.close,
  };
}

const documentIn = (stored: Parameters<typeof readDocument>[0] | undefined): Document | null =>
  stored === undefined ? null : readDocument(stored);

async function find(
  mongo: MongoConnection,
  versions: CollectionVersions,
  collection: string,
  version: number,
  options: FindOptions,
): Promise<readonly Document[]> {
  const { offset = 0, limit = Number.POSITIVE_INFINITY } = options;
  const queries = queriesOf(options);
  // With one query the server skips; with several, what one of them has tells how many the next must.
  const skip = queries.length === 1 ? offset : 0;
  const wanted = limit + offset - skip;
  const found: Document[] = [];
  for (const { filter, sort } of queries) {
    const left = wanted - found.length;
    if (left <= 0) break;
    const batchSize = Math.min(left, BATCH);
    const cursor = versions.documents(collection, version).find(filter, { sort, skip, batchSize });
    // zero would be no limit
    if (Number.isFinite(left)) cursor.limit(left);
    for (const stored of await mongo.read(() => cursor.toArray())) {
      const document = readDocument(stored);
      if (document !== null) found.push(document);
    }
  }
  return skip === offset ? found : found.slice(offset);
}

/** Added up here: not every server that speaks the protocol sums in a pipeline. */
async function sum(
  mongo: MongoConnection,
  versions: CollectionVersions,
  collection: string,
  version: number,
  field: string,
  where: Where | undefined,
): Promise<number> {
  const path = pathOf(field);
  const cursor = versions
    .documents(collection, version)
    .find(matching(where), { projection: { _id: 0, [path]: 1 }, batchSize: 10 * BATCH });
  let total = 0;
  await mongo.read(
    async () => {
      for await (const stored of cursor) {
        const value = field.split('.').reduce<unknown>(valueAt, stored.document);
        if (typeof value === 'number') total += value;
      }
    },
    { deadlineMs: null },
  );
  return total;
}

const valueAt = (value: unknown, part: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[part] : undefined;

function createWriting(mongo: MongoConnection, versions: CollectionVersions, clock: Pick<Clock, 'now'>) {
  /** Where this process's last write of a version left the checkpoint. */
  const left = new Map<string, Checkpoint>();
  const purgedAt = new Map<string, number>();
  const turns = new Map<string, Promise<unknown>>();
  const keyOf = (collection: string, version: number): string => `${collection}@${version}`;

  /** Refuses a writer that is behind before it writes anything; a rival in another process is found out at the end. */
  const check = async ({ projection, version, from }: Write): Promise<void> => {
    const known = left.get(keyOf(projection, version));
    if (known !== undefined && isSame(known, from)) return;
    if (!isSame(await versions.checkpoint(projection, version), from)) throw new CheckpointMoved(projection, version);
  };

  const writeInTurn = async (write: Write): Promise<void> => {
    const key = keyOf(write.projection, write.version);
    await check(write);
    left.delete(key);
    await writeDocuments(mongo, versions.documents(write.projection, write.version), write.changes, clock.now());
    await versions.moveCheckpoint(write);
    left.set(key, write.to);
  };

  /** Old tombstones go when there is something to do anyway; one that stays a little longer does no harm. */
  const purge = async (collection: string, version: number): Promise<void> => {
    const key = keyOf(collection, version);
    const at = clock.now();
    if (at - (purgedAt.get(key) ?? 0) < PURGE_EVERY_MS) return;
    purgedAt.set(key, at);
    const old = { live: false, deletedAt: { $lt: at - TOMBSTONE_MS } };
    await mongo.write(() => versions.documents(collection, version).deleteMany(old)).catch(() => undefined);
  };

  return {
    /** One write of a version after the other. */
    write: (write: Write): Promise<void> => {
      const key = keyOf(write.projection, write.version);
      const done = (turns.get(key) ?? Promise.resolve()).then(async () => {
        await writeInTurn(write);
        await purge(write.projection, write.version);
      });
      const settled = done.catch(() => undefined);
      turns.set(key, settled);
      return done;
    },
    forget: (collection: string, version: number): void => {
      left.delete(keyOf(collection, version));
    },
  };
}

const isSame = (one: Checkpoint | null, other: Checkpoint | null): boolean =>
  (one?.position as Position | undefined) === other?.position && one?.eventId === other?.eventId;
