import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../../ports/event-store.ts';
import { checking, DamagedStore, reading } from './faults.ts';
import { readWal } from './write-ahead-log.ts';

/** What a kind of store file looks like: SQLite's `application_id` and `user_version` name it in the header. */
export interface StoreLayout {
  readonly kind: string;
  /** Four ASCII letters. */
  readonly applicationId: string;
  readonly schemaVersion: number;
  readonly schema: string;
}

const SQLITE_MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;
const BUSY_TIMEOUT_MS = 5_000;

const idNumber = (applicationId: string): number => Buffer.from(applicationId, 'latin1').readInt32BE();

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/**
 * Opens a store's file for writing, makes it where there is none, and checks header and schema version; rows come as
 * arrays, as on every connection here.
 * Throws DamagedStore for what is not this kind of file, StoreUnavailable where it cannot be opened.
 */
export function openStoreFile(file: string, layout: StoreLayout): DatabaseSync {
  checkHeader(file);
  return checking(file, () => {
    const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, returnArrays: true });
    try {
      if (isBlank(database)) createSchema(database, layout);
      checkLayout(database, file, layout);
      // A copy made by VACUUM INTO has lost it.
      database.exec('PRAGMA journal_mode = WAL');
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Opens a store's file for reading only, also beside a running server. The file must exist. */
export function openStoreFileToRead(file: string, layout: StoreLayout): DatabaseSync {
  const missing = new StoreUnavailable(`${file}: there is no ${layout.kind} here`, 'not-done');
  if (sizeOf(file) === 0) throw missing;
  checkHeader(file);
  return checking(file, () => {
    const database = openReader(file);
    try {
      if (isBlank(database)) throw missing;
      checkLayout(database, file, layout);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** A reading connection to a file that has been checked; rows come as arrays. */
export function openReader(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS, returnArrays: true });
  database.exec('PRAGMA cache_size = -2048');
  return database;
}

export interface WriterSettings {
  /** Hard limit of the file's size in pages; tests use it as a disk that is full. */
  readonly maxPages?: number;
}

/** The one writing connection, in the writer thread. */
export function openWriter(file: string, settings: WriterSettings): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, returnArrays: true });
  // 4,000 pages (16 MiB) between checkpoints: fewer double writes than the default, still a short recovery.
  database.exec(
    'PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -4096',
  );
  if (settings.maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${settings.maxPages}`);
  return database;
}

/** Nothing was ever committed: a new file, or one whose maker died before its first commit. */
function isBlank(database: DatabaseSync): boolean {
  if (pragma(database, 'application_id') !== 0) return false;
  return database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
}

function createSchema(database: DatabaseSync, layout: StoreLayout): void {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(
    `BEGIN IMMEDIATE; PRAGMA application_id = ${idNumber(layout.applicationId)}; PRAGMA user_version = ${layout.schemaVersion}; ${layout.schema}; COMMIT`,
  );
}

/** What can be seen without opening it: that it is an SQLite file, and that none of it was cut off. */
function checkHeader(file: string): void {
  const size = sizeOf(file);
  if (size === 0) return;
  const header = Buffer.alloc(HEADER_BYTES);
  reading(file, () => {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, header, 0, HEADER_BYTES, 0);
    } finally {
      closeSync(descriptor);
    }
  });
  if (header.toString('latin1', 0, SQLITE_MAGIC.length) !== SQLITE_MAGIC) {
    throw new DamagedStore(file, 'bytes 0 to 15 are not the header of an SQLite file');
  }
  // https://www.sqlite.org/fileformat2.html: a page size of 65536 is written as 1.
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const wal = reading(file, () => readWal(file));
  const pages = wal.databasePages ?? header.readUInt32BE(28);
  // Pages behind the end may lie in the write-ahead log; else SQLite itself would notice only when it needs them.
  for (let page = Math.floor(size / pageSize) + 1; page <= pages; page += 1) {
    if (wal.pages.has(page)) continue;
    const logged = wal.databasePages === null ? '' : ' (its write-ahead log counted in)';
    throw new DamagedStore(file, `it ends at byte ${size}, and its header promises ${pageSize * pages} bytes${logged}`);
  }
}

const pragma = (database: DatabaseSync, name: string): number => {
  const row = database.prepare(`PRAGMA ${name}`).get() as unknown as readonly number[] | undefined;
  return Number(row?.[0]);
};

function checkLayout(database: DatabaseSync, file: string, layout: StoreLayout): void {
  const applicationId = pragma(database, 'application_id');
  if (applicationId !== idNumber(layout.applicationId)) {
    throw new DamagedStore(file, `bytes 68 to 71 hold application id ${applicationId}: this is no ${layout.kind}`);
  }
  const version = pragma(database, 'user_version');
  if (version !== layout.schemaVersion) {
    throw new DamagedStore(
      file,
      `it has schema version ${version}, and this build reads version ${layout.schemaVersion}`,
    );
  }
}

/** Moves a store's file out of the way, for somebody to look at, in place of one that was moved before. Returns its new name. */
export function setAside(file: string): string {
  const aside = `${file}.damaged`;
  for (const suffix of ['', '-wal']) {
    if (statSync(file + suffix, { throwIfNoEntry: false }) !== undefined) renameSync(file + suffix, aside + suffix);
  }
  return aside;
}
