import type { Collection, IndexDescription } from 'mongodb';
import { type Checkpoint, CheckpointMoved, type CollectionSpec, type Write } from '../../ports/read-store.ts';
import type { MongoConnection } from './connection.ts';
import { isDuplicateKey, isNoSuchCollection } from './faults.ts';
import { pathOf } from './query.ts';
import type { StoredDocument } from './stored-document.ts';

/** A version of a collection, and how far it is; `_id` is the name of its MongoDB collection. */
interface StoredVersion {
  readonly _id: string;
  readonly collection: string;
  readonly version: number;
  readonly position?: bigint;
  readonly eventId?: string;
}

/** Which version reads see; `_id` is the collection's name. */
interface StoredLive {
  readonly _id: string;
  readonly version: number;
}

/** How long a switch of the live version by another process may go unnoticed. */
const LIVE_VERSION_MS = 1_000;
const COLLECTION_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;

function nameOf(collection: string, version: number): string {
  if (!COLLECTION_NAME.test(collection) || !Number.isSafeInteger(version)) {
    throw new RangeError(`not a collection version: ${JSON.stringify(collection)} ${version}`);
  }
  return `${collection}@${version}`;
}

/**
 * The keys of a collection's indexes. All begin with `live`, which every query states, and end in `_id`, so that each
 * yields a total order. The one by deletion finds old tombstones, and counts what is live.
 */
export function indexesOf(spec: CollectionSpec): readonly IndexDescription[] {
  const declared = (spec.indexesLater === true ? [] : spec.indexes).map(({ fields }) => {
    const paths = [...fields, ...(fields.includes('id') ? [] : ['id'])].map(pathOf);
    return { key: Object.fromEntries(['live', ...paths].map((path) => [path, 1])) };
  });
  return [{ key: { live: 1, deletedAt: 1 } }, ...declared];
}

/** The versions of all collections, which of each is live, and their checkpoints. */
export interface CollectionVersions {
  documents(collection: string, version: number): Collection<StoredDocument>;
  /** Throws RangeError where there is no such collection. `asOf`: known since then at least (monotonic ms). */
  live(collection: string, asOf?: number): Promise<number>;
  ensure(spec: CollectionSpec): Promise<void>;
  list(collection: string): Promise<readonly { readonly version: number; readonly live: boolean }[]>;
  switchTo(collection: string, version: number): Promise<void>;
  drop(collection: string, version: number): Promise<void>;
  checkpoint(collection: string, version: number): Promise<Checkpoint | null>;
  /** Throws CheckpointMoved when it is not at `from`. */
  moveCheckpoint(write: Pick<Write, 'projection' | 'version' | 'from' | 'to'>): Promise<void>;
}

export function createCollectionVersions(mongo: MongoConnection): CollectionVersions {
  const { db } = mongo;
  const versions = db.collection<StoredVersion>('collectionVersions');
  const lives = db.collection<StoredLive>('liveVersions');
  const known = new Map<string, { readonly version: number; readonly readAt: number }>();

  const isThere = (collection: string, version: number): Promise<StoredVersion | null> =>
    mongo.read(() => versions.findOne({ _id: nameOf(collection, version) }));

  const documents = (collection: string, version: number): Collection<StoredDocument> =>
    db.collection<StoredDocument>(nameOf(collection, version));

  return {
    documents,
    live: async (collection, asOf = performance.now() - LIVE_VERSION_MS) => {
      const cached = known.get(collection);
      if (cached !== undefined && cached.readAt >= asOf) return cached.version;
      const readAt = performance.now();
      const stored = await mongo.read(() => lives.findOne({ _id: collection }));
      if (stored === null) throw new RangeError(`there is no collection ${collection}`);
      known.set(collection, { version: stored.version, readAt });
      return stored.version;
    },
    ensure: async (spec) => {
      const { name: collection, version } = spec;
      const _id = nameOf(collection, version);
      await mongo.write(() => insertOnce(versions.insertOne({ _id, collection, version })));
      await mongo.write(() => insertOnce(lives.insertOne({ _id: collection, version })));
      known.delete(collection);
      const indexes = [...indexesOf(spec)];
      await mongo.write(() => documents(collection, version).createIndexes(indexes), { deadlineMs: null });
    },
    list: async (collection) => {
      const [stored, live] = await mongo.read(() =>
        Promise.all([versions.find({ collection }).toArray(), lives.findOne({ _id: collection })]),
      );
      return stored
        .map(({ version }) => ({ version, live: version === live?.version }))
        .sort((one, other) => one.version - other.version);
    },
    switchTo: async (collection, version) => {
      if ((await isThere(collection, version)) === null) {
        throw new RangeError(`there is no version ${version} of collection ${collection}`);
      }
      await mongo.write(() => lives.updateOne({ _id: collection }, { $set: { version } }, { upsert: true }));
      known.delete(collection);
    },
    drop: async (collection, version) => {
      const _id = nameOf(collection, version);
      // Its checkpoint first: a version whose dropping was cut short must not look as if it could be gone on with.
      await mongo.write(() => versions.updateOne({ _id }, { $unset: { position: '', eventId: '' } }));
      await mongo.write(() => db.dropCollection(_id).catch(unlessMissing));
      await mongo.write(() => lives.deleteOne({ _id: collection, version }));
      await mongo.write(() => versions.deleteOne({ _id }));
      known.delete(collection);
    },
    checkpoint: async (collection, version) => {
      const { position, eventId } = (await isThere(collection, version)) ?? {};
      return position === undefined || eventId === undefined ? null : { position, eventId };
    },
    moveCheckpoint: async ({ projection, version, from, to }) => {
      // `null` also finds a field that is not there
      const at = { position: from?.position ?? null, eventId: from?.eventId ?? null };
      const filter = { _id: nameOf(projection, version), ...at } as object;
      const { matchedCount } = await mongo.write(() =>
        versions.updateOne(filter, { $set: { position: to.position, eventId: to.eventId } }),
      );
      if (matchedCount === 0) throw new CheckpointMoved(projection, version);
    },
  };
}

/** Somebody else may have made it meanwhile. */
async function insertOnce(inserting: Promise<unknown>): Promise<void> {
  try {
    await inserting;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
}

function unlessMissing(error: unknown): void {
  if (!isNoSuchCollection(error)) throw error;
}
