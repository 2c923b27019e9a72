import { rmSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Clock } from '../../ports/clock.ts';
import { StoreUnavailable } from '../../ports/event-store.ts';
import {
  type Change,
  CheckpointMoved,
  type Document,
  type FindOptions,
  type ReadStore,
  type Write,
} from '../../ports/read-store.ts';
import { reading } from './faults.ts';
import { createReadCache, type KnownDocuments } from './read-cache.ts';
import {
  fieldValue,
  indexStatements,
  READ_STORE_LAYOUT,
  statementsToDrop,
  statementsToEnsure,
  tableOf,
} from './read-store-layout.ts';
import { matching, queriesOf } from './read-store-query.ts';
import { openReader, openStoreFile, openStoreFileToRead } from './store-file.ts';
import { type FileWriter, openFileWriter, type WriterThread } from './writer.ts';
import type { Statement } from './writer-protocol.ts';

export interface SqliteReadStoreOptions {
  readonly file: string;
  /** Ages tombstones; the wall clock where there is none. */
  readonly clock?: Pick<Clock, 'now'>;
  /** A thread shared with other stores; without one the store starts its own. */
  readonly writer?: WriterThread;
  /** Reads beside a running server; writes are refused. */
  readonly readOnly?: boolean;
}

/** A tombstone stays so long at least: a writer that slept must not revive what was deleted meanwhile. */
const TOMBSTONE_MS = 24 * 60 * 60 * 1_000;
const PURGE_EVERY_MS = 60_000;
/** How long a switch of the live version by another process may go unnoticed. */
const LIVE_VERSIONS_MS = 1_000;
const MAX_PREPARED = 500;

/**
 * Read models in one SQLite file. It can be thrown away and built again, so a power failure may cost its last writes,
 * never its consistency. Writes go through a thread; reads run here. Throws DamagedStore or StoreUnavailable.
 */
export async function openSqliteReadStore(options: SqliteReadStoreOptions): Promise<ReadStore> {
  const { file } = options;
  const now = options.clock === undefined ? Date.now : options.clock.now.bind(options.clock);
  if (options.readOnly === true) {
    const database = openStoreFileToRead(file, READ_STORE_LAYOUT);
    return readStoreOn({ file, now, database, writer: null });
  }
  const first = openStoreFile(file, READ_STORE_LAYOUT);
  try {
    const writer = await openFileWriter(file, options.writer);
    return readStoreOn({ file, now, database: openReader(file), writer });
  } finally {
    first.close();
  }
}

/** Removes a read store that is damaged or ahead of the log; the next one starts empty and is rebuilt. */
export function discardSqliteReadStore(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}

interface Parts {
  readonly file: string;
  readonly now: () => number;
  readonly database: DatabaseSync;
  readonly writer: FileWriter | null;
}

type Row = readonly (string | number | null)[];

function readStoreOn({ file, now, database, writer }: Parts): ReadStore {
  const all = createQueries(database, file);
  const live = createLiveVersions(all);
  // Who only reads does not know what is written.
  const cache = writer === null ? null : createReadCache();
  const purgedAt = new Map<string, number>();
  let closed = false;

  const run = async (statements: readonly Statement[]): Promise<boolean> => {
    if (writer === null) throw new StoreUnavailable(`${file}: it is open for reading only`, 'not-done');
    const outcome = await writer.submit({ kind: 'statements', statements }, { durable: false });
    return outcome.kind === 'done';
  };

  const tableToRead = (collection: string, version: number | undefined): string =>
    tableOf(collection, version ?? live.versionOf(collection));

  const purge = (table: string): readonly Statement[] => {
    const at = now();
    if (at - (purgedAt.get(table) ?? 0) < PURGE_EVERY_MS) return [];
    purgedAt.set(table, at);
    return [
      { sql: `DELETE FROM ${table} WHERE deleted_at IS NOT NULL AND deleted_at < ?`, rows: [[at - TOMBSTONE_MS]] },
    ];
  };

  const get = (table: string, id: string): Document | null => {
    const document = all(`SELECT document FROM ${table} WHERE id = ?`, [id])[0]?.[0];
    return typeof document === 'string' ? parse(document) : null;
  };

  return {
    ensure: async (spec) => {
      const indexes = indexStatements(spec);
      await run(statementsToEnsure(spec));
      live.forget();
      // One by one, so that other writes need not wait for all of them.
      for (const index of indexes) await run([index]);
    },
    get: async (collection, id, version) => {
      const table = tableToRead(collection, version);
      return cache === null || version !== undefined ? get(table, id) : cache.document(table, id, () => get(table, id));
    },
    getMany: async (collection, ids, version) => {
      const table = tableToRead(collection, version);
      return ids.map((id) => get(table, id)).filter((document) => document !== null);
    },
    find: async (collection, options, version) => {
      const table = tableToRead(collection, version);
      if (cache === null || version !== undefined) return find(all, table, options, UNKNOWN);
      return cache.list(table, JSON.stringify(options), (known) => find(all, table, options, known));
    },
    count: async (collection, where, version) => {
      const { text, parameters } = matching(where);
      const rows = all(`SELECT count(*) FROM ${tableToRead(collection, version)} WHERE ${text}`, parameters);
      return Number(rows[0]?.[0] ?? 0);
    },
    sum: async (collection, field, where, version) => {
      const { text, parameters } = matching(where);
      const rows = all(
        `SELECT coalesce(sum(${fieldValue(field)}), 0) FROM ${tableToRead(collection, version)} WHERE ${text}`,
        parameters,
      );
      return Number(rows[0]?.[0] ?? 0);
    },
    write: async (write) => {
      const table = tableOf(write.projection, write.version);
      const done = await run([moveCheckpoint(write), ...changesOf(table, write, now()), ...purge(table)]).finally(() =>
        cache?.forget(table, write.changes.map(idOf)),
      );
      if (!done) throw new CheckpointMoved(write.projection, write.version);
    },
    checkpoint: async (collection, version) => {
      const sql = 'SELECT position, event_id FROM checkpoints WHERE collection = ? AND version = ?';
      const row = all(sql, [collection, version])[0];
      return row === undefined ? null : { position: BigInt(Number(row[0])), eventId: String(row[1]) };
    },
    versions: async (collection) =>
      all('SELECT version, live FROM collections WHERE name = ? ORDER BY version', [collection]).map((row) => ({
        version: Number(row[0]),
        live: row[1] === 1,
      })),
    switchTo: async (collection, version) => {
      const isThere = 'SELECT 1 FROM collections WHERE name = ?1 AND version = ?2';
      const done = await run([
        {
          sql: `UPDATE collections SET live = (version = ?2) WHERE name = ?1 AND EXISTS (${isThere}) RETURNING 1`,
          rows: [[collection, version]],
          guard: true,
        },
      ]);
      live.forget();
      if (!done) throw new RangeError(`there is no version ${version} of collection ${collection}`);
    },
    drop: async (collection, version) => {
      await run(statementsToDrop(collection, version));
      live.forget();
      cache?.forgetAll();
    },
    close: async () => {
      if (closed) return;
      closed = true;
      database.close();
      await writer?.close();
    },
  };
}

const parse = (document: string): Document => JSON.parse(document) as Document;

type Queries = (sql: string, parameters: readonly SQLInputValue[]) => readonly Row[];

/** Runs queries by prepared statements, which are kept. */
function createQueries(database: DatabaseSync, file: string): Queries {
  const prepared = new Map<string, StatementSync>();
  return (sql, parameters) =>
    reading(file, () => {
      let statement = prepared.get(sql);
      if (statement === undefined) {
        if (prepared.size >= MAX_PREPARED) prepared.clear();
        statement = database.prepare(sql);
        prepared.set(sql, statement);
      }
      return statement.all(...parameters) as unknown as readonly Row[];
    });
}

/** Which version of each collection reads see; remembered for a moment, since every read asks. */
function createLiveVersions(all: Queries) {
  let known = new Map<string, number>();
  let readAt = Number.NEGATIVE_INFINITY;
  return {
    forget: () => {
      readAt = Number.NEGATIVE_INFINITY;
    },
    versionOf: (collection: string): number => {
      const at = performance.now();
      if (at - readAt > LIVE_VERSIONS_MS) {
        const rows = all('SELECT name, version FROM collections WHERE live = 1', []);
        known = new Map(rows.map((row) => [String(row[0]), Number(row[1])]));
        readAt = at;
      }
      const version = known.get(collection);
      if (version === undefined) throw new RangeError(`there is no collection ${collection}`);
      return version;
    },
  };
}

const UNKNOWN: KnownDocuments = { get: (_id, parse) => parse() };

const idOf = (change: Change): string => (change.kind === 'put' ? change.document.id : change.id);

function find(all: Queries, table: string, options: FindOptions, known: KnownDocuments): readonly Document[] {
  const documentOf = ([id, document]: Row): Document => known.get(String(id), () => parse(String(document)));
  const queries = queriesOf(table, options);
  const { offset = 0, limit = Number.POSITIVE_INFINITY } = options;
  const [only] = queries;
  if (queries.length === 1 && only !== undefined) {
    const rows = all(only.text, [...only.parameters, Number.isFinite(limit) ? limit : -1, offset]);
    return rows.map(documentOf);
  }
  const wanted = offset + limit;
  const rows: Row[] = [];
  for (const query of queries) {
    const left = wanted - rows.length;
    if (left <= 0) break;
    for (const row of all(query.text, [...query.parameters, Number.isFinite(left) ? left : -1, 0])) rows.push(row);
  }
  return rows.slice(offset).map(documentOf);
}

/** Moves the checkpoint, or refuses the write when it is not where the writer left it. */
function moveCheckpoint({ projection, version, from, to }: Write): Statement {
  if (from === null) {
    return {
      sql: `INSERT INTO checkpoints (position, event_id, collection, version) VALUES (?, ?, ?, ?)
        ON CONFLICT DO NOTHING RETURNING 1`,
      rows: [[to.position, to.eventId, projection, version]],
      guard: true,
    };
  }
  return {
    sql: `UPDATE checkpoints SET position = ?, event_id = ?
      WHERE collection = ? AND version = ? AND position = ? AND event_id = ? RETURNING 1`,
    rows: [[to.position, to.eventId, projection, version, from.position, from.eventId]],
    guard: true,
  };
}

/** A document only ever moves to a later position; a deletion leaves its position behind. */
function changesOf(table: string, { changes }: Write, now: number): readonly Statement[] {
  const puts: SQLInputValue[][] = [];
  const deletes: SQLInputValue[][] = [];
  for (const change of changes) {
    if (change.kind === 'put') puts.push([change.document.id, JSON.stringify(change.document), change.position]);
    else deletes.push([change.id, change.position, now]);
  }
  const onlyForwards = `WHERE ${table}.position < excluded.position`;
  return [
    {
      sql: `INSERT INTO ${table} (id, document, position) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
        SET document = excluded.document, position = excluded.position, deleted_at = NULL ${onlyForwards}`,
      rows: puts,
    },
    {
      sql: `INSERT INTO ${table} (id, document, position, deleted_at) VALUES (?, NULL, ?, ?) ON CONFLICT (id) DO UPDATE
        SET document = NULL, position = excluded.position, deleted_at = excluded.deleted_at ${onlyForwards}`,
      rows: deletes,
    },
  ];
}
