import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Clock } from '../../ports/clock.ts';
import type { Coordination, Lease, OpenWork } from '../../ports/coordination.ts';
import { checking, DamagedStore, reading } from './faults.ts';
import { openReader, openStoreFile, type StoreLayout } from './store-file.ts';
import { type FileWriter, openFileWriter, type WriterThread } from './writer.ts';
import type { Statement } from './writer-protocol.ts';

export interface SqliteCoordinationOptions {
  readonly file: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** A thread shared with other stores; without one the store starts its own. */
  readonly writer?: WriterThread;
}

const COORDINATION_LAYOUT: StoreLayout = {
  kind: 'coordination store',
  applicationId: 'ScCo',
  schemaVersion: 1,
  // A lease's row stays when it is released: its token must never start again.
  schema: `
    CREATE TABLE leases (
      resource TEXT NOT NULL PRIMARY KEY, holder TEXT, token INTEGER NOT NULL, beat INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE heartbeats (
      service TEXT NOT NULL PRIMARY KEY, beat INTEGER NOT NULL, at INTEGER NOT NULL, report TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE work (
      kind TEXT NOT NULL, id TEXT NOT NULL, due_at INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE feeds (
      feed TEXT NOT NULL PRIMARY KEY, position INTEGER NOT NULL, event_id TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`,
};

/** Tokens follow the time in ms: also where this file was lost, or is an older copy, no token comes twice. */
const TIME_MS = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/** A lease as a challenger saw it, and since when it has not changed. */
interface Watch {
  readonly token: number;
  readonly beat: number;
  readonly sinceMs: number;
}

type LeaseRow = readonly [holder: string | null, token: number, beat: number];

/**
 * Leases, heartbeats and unfinished work in one SQLite file. Tokens and unfinished work wait for the disk
 * (synchronous = FULL): a token handed out twice would fence nobody. Beats, releases and feed positions do not: losing
 * the last of them in a power failure repeats work that is idempotent. Never ahead of the log: what it names was read
 * from the log, and the log shows only what is on the disk.
 */
export async function openSqliteCoordination(options: SqliteCoordinationOptions): Promise<Coordination> {
  const { file, clock } = options;
  const first = openStoreFile(file, COORDINATION_LAYOUT);
  const writer = await openChecked(first, options).finally(() => first.close());
  const database = openReader(file);
  const prepared = new Map<string, StatementSync>();
  const watches = new Map<string, Watch>();
  let closed = false;

  const all = <Row>(sql: string, ...parameters: SQLInputValue[]): readonly Row[] =>
    reading(file, () => {
      const statement = prepared.get(sql) ?? database.prepare(sql);
      prepared.set(sql, statement);
      return statement.all(...parameters) as unknown as readonly Row[];
    });

  const run = (durable: boolean, ...statements: readonly Statement[]) =>
    writer.submit({ kind: 'statements', statements }, { durable });

  /** Takes the lease if it is still as the challenger saw it. */
  const take = async (resource: string, holder: string, seen: LeaseRow | undefined): Promise<Lease | null> => {
    const outcome = await run(
      true,
      seen === undefined
        ? {
            sql: `INSERT INTO leases (resource, holder, token, beat) VALUES (?, ?, ${TIME_MS}, 1) ON CONFLICT DO NOTHING RETURNING token`,
            rows: [[resource, holder]],
            guard: true,
          }
        : {
            sql: `UPDATE leases SET holder = ?, token = max(token + 1, ${TIME_MS}), beat = beat + 1
              WHERE resource = ? AND holder IS ? AND token = ? AND beat = ? RETURNING token`,
            rows: [[holder, resource, ...seen]],
            guard: true,
          },
    );
    if (outcome.kind === 'refused') return null;
    return { resource, holder, token: BigInt(Number(outcome.row?.[0])) };
  };

  return {
    acquire: async (resource, holder, termMs) => {
      const [seen] = all<LeaseRow>('SELECT holder, token, beat FROM leases WHERE resource = ?', resource);
      const watchKey = JSON.stringify([resource, holder]);
      // A holder that asks again gets a new token: its calls of before, perhaps of a process that died, are fenced off.
      if (seen === undefined || seen[0] === null || seen[0] === holder) {
        watches.delete(watchKey);
        return take(resource, holder, seen);
      }
      const [, token, beat] = seen;
      const watch = watches.get(watchKey);
      const nowMs = clock.monotonicMs();
      if (watch === undefined || watch.token !== token || watch.beat !== beat) {
        watches.set(watchKey, { token, beat, sinceMs: nowMs });
        return null;
      }
      if (nowMs - watch.sinceMs < termMs) return null;
      watches.delete(watchKey);
      return take(resource, holder, seen);
    },
    renew: async ({ resource, holder, token }) => {
      const outcome = await run(false, {
        sql: 'UPDATE leases SET beat = beat + 1 WHERE resource = ? AND holder = ? AND token = ? RETURNING beat',
        rows: [[resource, holder, token]],
        guard: true,
      });
      return outcome.kind === 'done';
    },
    release: async ({ resource, holder, token }) => {
      await run(false, {
        sql: 'UPDATE leases SET holder = NULL WHERE resource = ? AND holder = ? AND token = ?',
        rows: [[resource, holder, token]],
      });
    },
    releaseAll: async () => {
      await run(false, { sql: 'UPDATE leases SET holder = NULL', rows: [[]] });
    },
    beat: async (service, at, report) => {
      await run(false, {
        sql: `INSERT INTO heartbeats (service, beat, at, report) VALUES (?, 1, ?, ?)
          ON CONFLICT (service) DO UPDATE SET beat = beat + 1, at = excluded.at, report = excluded.report`,
        rows: [[service, at, JSON.stringify(report)]],
      });
    },
    heartbeats: async () =>
      all<readonly [string, number, number, string]>(
        'SELECT service, beat, at, report FROM heartbeats ORDER BY service',
      ).map(([service, beat, at, report]) => ({ service, beat, at, report: JSON.parse(report) })),
    forget: async (service) => {
      await run(false, { sql: 'DELETE FROM heartbeats WHERE service = ?', rows: [[service]] });
    },
    putWork: async (work) => {
      if (work.length === 0) return;
      await run(true, {
        sql: 'INSERT OR REPLACE INTO work (kind, id, due_at, data) VALUES (?, ?, ?, ?)',
        rows: work.map(({ kind, id, dueAt, data }) => [kind, id, dueAt, JSON.stringify(data)]),
      });
    },
    removeWork: async (kind, ids) => {
      if (ids.length === 0) return;
      await run(false, { sql: 'DELETE FROM work WHERE kind = ? AND id = ?', rows: ids.map((id) => [kind, id]) });
    },
    listWork: async (kind) =>
      all<readonly [string, number, string]>(
        'SELECT id, due_at, data FROM work WHERE kind = ? ORDER BY due_at, id',
        kind,
      ).map(([id, dueAt, data]) => ({ kind, id, dueAt, data: JSON.parse(data) }) satisfies OpenWork),
    feedCheckpoint: async (feed) => {
      const [row] = all<readonly [number, string]>('SELECT position, event_id FROM feeds WHERE feed = ?', feed);
      return row === undefined ? null : { position: BigInt(row[0]), eventId: row[1] };
    },
    saveFeedCheckpoint: async (feed, { position, eventId }) => {
      await run(false, {
        sql: 'INSERT OR REPLACE INTO feeds (feed, position, event_id) VALUES (?, ?, ?)',
        rows: [[feed, position, eventId]],
      });
    },
    close: async () => {
      if (closed) return;
      closed = true;
      database.close();
      await writer.close();
    },
  };
}

/** The file is small and not disposable: its whole structure is checked before anything is written to it. */
async function openChecked(database: DatabaseSync, { file, writer }: SqliteCoordinationOptions): Promise<FileWriter> {
  const row = checking(file, () => database.prepare('PRAGMA quick_check(1)').get()) as unknown as readonly [string];
  if (row[0] !== 'ok') throw new DamagedStore(file, row[0]);
  return openFileWriter(file, writer);
}
