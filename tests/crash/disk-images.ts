import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';

/** The files of SQLite's write-ahead log, https://www.sqlite.org/fileformat2.html#walformat. */
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** In `-shm`, https://www.sqlite.org/walformat.html#the_wal_index_file_format. */
const SHM_MAX_FRAME_AT = 16;
const SHM_SALT_AT = 32;
/** How far a checkpoint has got, or means to get: before it begins, it syncs the log so far. */
const SHM_BACKFILLED_AT = 96;
const SHM_BACKFILL_ATTEMPTED_AT = 128;

/** Copies a directory with all its files, leaving holes as holes. Nothing may write to it meanwhile. */
export function copyDirectory(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', '--sparse=always', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${from} cannot be copied to ${to}: ${stderr}`);
}

/** What of a store's write-ahead log is on the disk for certain, and what may be there of what comes next. */
export interface WalState {
  /** Salts of its generation: another generation overwrites this one from its start. */
  readonly salt: string;
  /** Ends of its transactions in bytes, ascending. */
  readonly commits: readonly number[];
  /** A commit is shown to readers, and answered, only after its sync: so far no power loss reaches. */
  readonly durableBytes: number;
  /** So much of it lies, or may lie, in the database already: that part was synced before. */
  readonly checkpointedBytes: number;
  /** Whether the database alone is whole: nothing was copied into it, or everything was. */
  readonly dispensable: boolean;
  readonly bytes: Buffer;
}

const EMPTY: WalState = {
  salt: '',
  commits: [],
  durableBytes: 0,
  checkpointedBytes: 0,
  dispensable: true,
  bytes: Buffer.alloc(0),
};

/** Reads the state of a log whose writer stands still. */
export function readWal(file: string): WalState {
  const wal = `${file}-wal`;
  if (!existsSync(wal) || statSync(wal).size < WAL_HEADER_BYTES) return EMPTY;
  const bytes = readFileSync(wal);
  const salt = bytes.toString('hex', 16, 24);
  const frameBytes = FRAME_HEADER_BYTES + bytes.readUInt32BE(8);
  const commits: number[] = [];
  for (let at = WAL_HEADER_BYTES; at + frameBytes <= bytes.length; at += frameBytes) {
    if (bytes.toString('hex', at + 8, at + 16) !== salt) break;
    if (bytes.readUInt32BE(at + 4) !== 0) commits.push(at + frameBytes);
  }
  const shm = Buffer.alloc(SHM_BACKFILL_ATTEMPTED_AT + 4);
  const descriptor = openSync(`${file}-shm`, 'r');
  readSync(descriptor, shm, 0, shm.length, 0);
  closeSync(descriptor);
  // Other salts: all of it lies in the database already, and the next transaction begins a new generation.
  const sameGeneration = shm.toString('hex', SHM_SALT_AT, SHM_SALT_AT + 8) === salt;
  const endOf = (frames: number): number => WAL_HEADER_BYTES + frames * frameBytes;
  const maxFrame = shm.readUInt32LE(SHM_MAX_FRAME_AT);
  const backfilled = shm.readUInt32LE(SHM_BACKFILLED_AT);
  const attempted = Math.max(backfilled, shm.readUInt32LE(SHM_BACKFILL_ATTEMPTED_AT));
  return {
    ...{ salt, commits, bytes },
    durableBytes: sameGeneration ? endOf(maxFrame) : bytes.length,
    checkpointedBytes: sameGeneration ? (attempted === 0 ? 0 : endOf(attempted)) : bytes.length,
    dispensable: !sameGeneration || attempted === 0 || backfilled === maxFrame,
  };
}

const PARTS = ['', '-wal', '-shm'];

export function removeStore(file: string): void {
  for (const part of PARTS) rmSync(file + part, { force: true });
}

/** Puts another copy of a store in the place of this one. */
export function replaceStore(file: string, by: string): void {
  removeStore(file);
  for (const part of PARTS) if (existsSync(by + part)) copyFileSync(by + part, file + part);
}
