import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy, reading } from './faults.ts';

/** Another server works on this data directory. */
export class DataDirectoryLocked extends Error {
  readonly directory: string;
  /** Process id of the holder, null where it could not be read. */
  readonly holder: number | null;

  constructor(directory: string, holder: number | null) {
    const who = holder === null ? 'another process' : `process ${holder}`;
    super(`data directory ${directory} is in use by ${who}: stop that server first, or choose another data directory`);
    this.name = 'DataDirectoryLocked';
    this.directory = directory;
    this.holder = holder;
  }
}

export interface DataDirectoryLock {
  release(): void;
}

/**
 * Makes this process the only server of a data directory. The lock is the operating system's (on `lock.db`, through
 * SQLite), so it goes with the process, also after kill -9; readers do not need it. Throws DataDirectoryLocked.
 */
export function lockDataDirectory(directory: string): DataDirectoryLock {
  const file = join(directory, 'lock.db');
  const holderFile = join(directory, 'lock.pid');
  const database = reading(file, () => new DatabaseSync(file, { timeout: 0 }));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) throw new DataDirectoryLocked(directory, readHolder(holderFile));
    throw error;
  }
  // Only for the message a second server gives: the lock itself cannot be read by others.
  reading(holderFile, () => writeFileSync(holderFile, `${process.pid}\n`));
  return {
    release: () => {
      rmSync(holderFile, { force: true });
      database.close();
    },
  };
}

function readHolder(holderFile: string): number | null {
  try {
    const holder = Number.parseInt(readFileSync(holderFile, 'utf8'), 10);
    return Number.isInteger(holder) ? holder : null;
  } catch {
    return null;
  }
}
