import { rmSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';
import { StoreUnavailable } from '../../ports/event-store.ts';
import { CheckpointMoved, type Document, type FindOptions, type ReadStore } from '../../ports/read-store.ts';
import { reading } from './faults.ts';
import { createReadCache, type KnownDocuments } from './read-cache.ts';
import {
  fieldsOf,
  fieldsOfColumns,
  fieldValue,
  indexStatements,
  READ_STORE_LAYOUT,
  statementsToAddColumns,
  statementsToDrop,
  statementsToEnsure,
  tableOf,
} from './read-store-layout.ts';
import { type FieldInSql, matching, queriesOf } from './read-store-query.ts';
import { changesOf, idOf, moveCheckpoint } from './read-store-write.ts';
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
/** Whoever reads so many at once reads page after page, perhaps: others have their turn in between. */
const LONG_PAGE = 500;

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

  const columns = createColumns(all);
  const valueIn =
    (table: string): FieldInSql =>
    (field) =>
      fieldValue(field, columns.of(table));

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
    inOrder: true,
    ensure: async (spec) => {
      const indexes = spec.indexesLater === true ? [] : indexStatements(spec);
      const table = tableOf(spec.name, spec.version);
      await run(statementsToEnsure(spec));
      live.forget();
      const missing = fieldsOf(spec).filter((field) => !columns.of(table).has(field));
      await run(statementsToAddColumns(table, missing));
      columns.forget();
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
      const read = (known: KnownDocuments) => find(all, queriesOf(table, options, valueIn(table)), options, known);
      const found =
        cache === null || version !== undefined ? read(UNKNOWN) : cache.list(table, JSON.stringify(options), read);
      if (found.length >= LONG_PAGE) await nextTurn();
      return found;
    },
    count: async (collection, where, version) => {
      const table = tableToRead(collection, version);
      const { text, parameters } = matching(valueIn(table), where);
      const rows = all(`SELECT count(*) FROM ${table} WHERE ${text}`, parameters);
      return Number(rows[0]?.[0] ?? 0);
    },
    sum: async (collection, field, where, version) => {
      const table = tableToRead(collection, version);
      const { text, parameters } = matching(valueIn(table), where);
      const sum = `SELECT coalesce(sum(${valueIn(table)(field)}), 0) FROM ${table} WHERE ${text}`;
      const rows = all(sum, parameters);
      return Number(rows[0]?.[0] ?? 0);
    },
    write: async (write) => {
      const table = tableOf(write.projection, write.version);
      const changes = changesOf(table, [...columns.of(table)], write, now());
      const done = await run([moveCheckpoint(write), ...changes, ...purge(table)]).finally(() =>
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
      columns.forget();
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

/** Which fields of a table have a column: read once, as the table was made. */
function createColumns(all: Queries) {
  const known = new Map<string, ReadonlySet<string>>();
  return {
    forget: () => known.clear(),
    of: (table: string): ReadonlySet<string> => {
      const before = known.get(table);
      if (before !== undefined) return before;
      const rows = all('SELECT name FROM pragma_table_info(?)', [table.slice(1, -1)]);
      const fields = fieldsOfColumns(rows.map(([name]) => String(name)));
      if (rows.length > 0) known.set(table, fields);
      return fields;
    },
  };
}

const UNKNOWN: KnownDocuments = { get: (_id, parse) => parse() };

function find(
  all: Queries,
  queries: ReturnType<typeof queriesOf>,
  options: FindOptions,
  known: KnownDocuments,
): readonly Document[] {
  const documentOf = ([id, document]: Row): Document => known.get(String(id), () => parse(String(document)));
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
