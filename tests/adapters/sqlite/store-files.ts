import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll } from 'vitest';
import { openSqliteEventStore, type SqliteEventStoreOptions } from '../../../src/adapters/sqlite/event-store.ts';
import { startWriterThread, type WriterThread } from '../../../src/adapters/sqlite/writer.ts';
import type { EventStore, RecordedEvent } from '../../../src/ports/event-store.ts';
import { anEvent, collect } from '../../contracts/event-store-fixtures.ts';

/** Directories of one test file, removed after it. */
export function temporaryDirectories(): () => Promise<string> {
  const made: string[] = [];
  afterAll(() => Promise.all(made.map((directory) => rm(directory, { recursive: true, force: true }))));
  return async () => {
    const directory = await mkdtemp(join(tmpdir(), 'scoria-sqlite-'));
    made.push(directory);
    return directory;
  };
}

let thread: WriterThread | undefined;

/** One thread for the stores of all tests, since starting one takes longer than most tests. */
export function sharedWriterThread(): WriterThread {
  thread ??= startWriterThread();
  return thread;
}

/** Opens a store, uses it and closes it, whatever happens. */
export async function withEventStore<T>(
  options: SqliteEventStoreOptions,
  use: (store: EventStore) => Promise<T>,
): Promise<T> {
  const store = await openSqliteEventStore({ writer: sharedWriterThread(), ...options });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Appends `count` events, `n` counting through the log, to ten streams in turn. */
export async function fill(store: EventStore, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, n) => {
      const revision = Math.floor(n / 10) - 1;
      const expected = revision < 0 ? 'no-stream' : BigInt(revision);
      return store.append(`volume-${n % 10}`, expected, [anEvent({ n, text: 'x'.repeat(n % 200) })]);
    }),
  );
}

export const readLog = (options: SqliteEventStoreOptions): Promise<RecordedEvent[]> =>
  withEventStore(options, (store) => collect(store.readAll()));

/** Changes a file behind the store's back, as a person with the sqlite shell would. */
export function tamper(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

/** A copy of a store's files as they are at this moment: what a power failure would leave. */
export async function copyAsAfterPowerFailure(file: string, to: string): Promise<void> {
  await cp(file, to);
  await cp(`${file}-wal`, `${to}-wal`);
}
