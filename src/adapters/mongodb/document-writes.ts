import type { AnyBulkWriteOperation, Collection } from 'mongodb';
import type { Position } from '../../ports/event-store.ts';
import type { Change } from '../../ports/read-store.ts';
import type { MongoConnection } from './connection.ts';
import { isDuplicateKey } from './faults.ts';
import { type StoredDocument, storedDocument } from './stored-document.ts';

/** Documents in one bulk write. */
const CHUNK = 500;
const CHUNK_DEADLINE_MS = 60_000;
/** From so many documents on it pays to ask first which of them are there: new ones are inserted, many times faster. */
const ASK_FIRST = 20;
/** Each round leaves out what turned out to be newer already; another writer can only be so many times faster. */
const MAX_ROUNDS = 20;

/**
 * Writes documents, each only over an older one: the guard is in the filter of a single-document write, so that no
 * transaction is needed and a repeated write does nothing. What is there at the same position or a later one stays.
 */
export async function writeDocuments(
  mongo: MongoConnection,
  collection: Collection<StoredDocument>,
  changes: readonly Change[],
  now: number,
): Promise<void> {
  const latest = latestOf(changes, now);
  for (let from = 0; from < latest.length; from += CHUNK) {
    await writeChunk(mongo, collection, latest.slice(from, from + CHUNK));
  }
}

/** What becomes of each document, where a write changes one several times. */
function latestOf(changes: readonly Change[], now: number): readonly StoredDocument[] {
  const byId = new Map<string, StoredDocument>();
  for (const change of changes) {
    const stored =
      change.kind === 'put'
        ? storedDocument(change.document, change.position)
        : { _id: change.id, live: false, position: change.position, deletedAt: now };
    const before = byId.get(stored._id);
    if (before === undefined || before.position < stored.position) byId.set(stored._id, stored);
  }
  return [...byId.values()];
}

async function writeChunk(
  mongo: MongoConnection,
  collection: Collection<StoredDocument>,
  chunk: readonly StoredDocument[],
): Promise<void> {
  let left = chunk;
  let positions: ReadonlyMap<string, Position> | null = null;
  if (left.length >= ASK_FIRST) positions = await positionsOf(mongo, collection, left);
  for (let round = 1; ; round += 1) {
    if (positions !== null) left = left.filter((stored) => isNewer(stored, positions));
    if (left.length === 0) return;
    const operations = left.map((stored) => operationOf(stored, positions));
    try {
      await mongo.write(() => collection.bulkWrite(operations, { ordered: true }), { deadlineMs: CHUNK_DEADLINE_MS });
      return;
    } catch (error) {
      // A document is there at the same position or a later one, or somebody has made it meanwhile.
      if (!isDuplicateKey(error) || round === MAX_ROUNDS) throw error;
      positions = await positionsOf(mongo, collection, left);
    }
  }
}

const isNewer = ({ _id, position }: StoredDocument, positions: ReadonlyMap<string, Position> | null): boolean => {
  const there = positions?.get(_id);
  return there === undefined || there < position;
};

function operationOf(
  stored: StoredDocument,
  positions: ReadonlyMap<string, Position> | null,
): AnyBulkWriteOperation<StoredDocument> {
  const { _id, ...replacement } = stored;
  if (positions !== null && !positions.has(_id)) return { insertOne: { document: stored } };
  return { replaceOne: { filter: { _id, position: { $lt: stored.position } }, replacement, upsert: true } };
}

async function positionsOf(
  mongo: MongoConnection,
  collection: Collection<StoredDocument>,
  chunk: readonly StoredDocument[],
): Promise<ReadonlyMap<string, Position>> {
  const ids = chunk.map(({ _id }) => _id);
  const found = await mongo.read(() =>
    collection.find({ _id: { $in: ids } }, { projection: { position: 1 }, batchSize: CHUNK }).toArray(),
  );
  return new Map(found.map(({ _id, position }) => [_id, position]));
}
