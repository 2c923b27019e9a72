import { StoreUnavailable } from '../../ports/event-store.ts';

/** A store's file is not what was written to it. The message names the file, what is wrong and where. */
export class DamagedStore extends Error {
  readonly file: string;

  constructor(file: string, what: string, options?: ErrorOptions) {
    super(`${file} is damaged: ${what}`, options);
    this.name = 'DamagedStore';
    this.file = file;
  }
}

/** What went wrong in a write, as plain data that crosses from the writer thread. */
export interface WriteFailure {
  /** SQLite's extended result code; undefined where the failure did not come from SQLite. */
  readonly errcode: number | undefined;
  readonly message: string;
  /** A failure before the commit left nothing; one in the commit may have left everything. */
  readonly phase: 'before-commit' | 'commit';
}

/** Primary result codes of SQLite, as https://www.sqlite.org/rescode.html names them. */
const ERROR = 1;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PERM = 3;
const NOTADB = 26;

/** The extended result code of an error that `node:sqlite` threw. */
export const errcodeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;

const primary = (errcode: number): number => errcode & 0xff;

export const isBusy = (error: unknown): boolean => {
  const errcode = errcodeOf(error);
  return errcode !== undefined && (primary(errcode) === BUSY || primary(errcode) === LOCKED);
};

export const failureOf = (error: unknown, phase: WriteFailure['phase']): WriteFailure => ({
  errcode: errcodeOf(error),
  message: error instanceof Error ? error.message : String(error),
  phase,
});

const reasonOf = (errcode: number, message: string): string => {
  switch (primary(errcode)) {
    case FULL:
      return 'the disk is full';
    case READONLY:
      return 'the file or its directory is read-only';
    case CANTOPEN:
    case PERM:
      return `the file cannot be opened (${message})`;
    case BUSY:
    case LOCKED:
      return 'another process holds it';
    case IOERR:
      return `the disk reports an error (${message})`;
    case CORRUPT:
    case NOTADB:
      return `it is damaged (${message})`;
    default:
      return message;
  }
};

/** The port's error for a write that failed: `unknown` only where the commit itself may have reached the disk. */
export function writeError(file: string, failure: WriteFailure): StoreUnavailable {
  const { errcode, message, phase } = failure;
  if (errcode === undefined) return new StoreUnavailable(`${file}: ${message}`, outcomeOf(failure));
  const retryAfterMs = primary(errcode) === BUSY ? 1_000 : 5_000;
  return new StoreUnavailable(`${file}: ${reasonOf(errcode, message)}`, outcomeOf(failure), retryAfterMs, {
    cause: { errcode, phase },
  });
}

/** A full disk or a lock refuses a commit before its mark is written; any other failure in a commit is unknown. */
function outcomeOf({ errcode, phase }: WriteFailure): 'not-done' | 'unknown' {
  if (phase === 'before-commit') return 'not-done';
  if (errcode === undefined) return 'unknown';
  return [FULL, BUSY, LOCKED, READONLY].includes(primary(errcode)) ? 'not-done' : 'unknown';
}

/** Runs a read or an opening; SQLite's errors come out as DamagedStore or StoreUnavailable, others as they are. */
export function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw readError(file, error);
  }
}

/**
 * Runs what needs nothing but a sound file of a known layout: there, SQLite's plain error (no such table, unsupported
 * format) means damage too.
 */
export function checking<T>(file: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (errcodeOf(error) === ERROR && error instanceof Error)
      throw new DamagedStore(file, error.message, { cause: error });
    throw readError(file, error);
  }
}

export function readError(file: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // A stored integer beyond 2^53: no store writes one.
  if ('code' in error && error.code === 'ERR_OUT_OF_RANGE')
    return new DamagedStore(file, error.message, { cause: error });
  const errcode = errcodeOf(error);
  if (errcode === undefined) {
    const fromSystem = 'syscall' in error;
    return fromSystem ? new StoreUnavailable(`${file}: ${error.message}`, 'not-done', 1_000, { cause: error }) : error;
  }
  const code = primary(errcode);
  if (code === CORRUPT || code === NOTADB) return new DamagedStore(file, error.message, { cause: error });
  if ([BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN, PERM].includes(code)) {
    return new StoreUnavailable(`${file}: ${reasonOf(errcode, error.message)}`, 'not-done', 1_000, { cause: error });
  }
  return error;
}
