import { execFile, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { copyFile, link, mkdir, rename, rm, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A file open for writing, of which the driver uses this much. */
export interface WritableFile {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>;
  truncate(lengthBytes: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Everything by which the driver changes the disk: tests put faults and crashes between any two of these. */
export interface FileEffects {
  /** Makes a directory and its parents; there already is success. */
  makeDirectory(path: string): Promise<void>;
  /** `wx` makes a new file and fails where one is; `r+` opens one that is there. */
  openFile(path: string, flags: 'wx' | 'r+'): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  removeTree(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** A copy that shares its blocks; throws ENOTSUP and the like where the file system cannot. */
  reflink(from: string, to: string): Promise<void>;
  /** A copy that keeps holes by coreutils' cp; false where there is none. */
  copyByCommand(from: string, to: string, signal: AbortSignal): Promise<boolean>;
}

/** Volumes are nobody else's to read. */
const FILE_MODE = 0o600;

/** What cp says is read, so it must not be translated. */
const IN_ENGLISH = ['LC_ALL=C'] as const;

let coreutilsFound: Promise<boolean> | undefined;

/** Looks once; other implementations of cp are not trusted to seek over holes. */
const hasCoreutils = (): Promise<boolean> => {
  coreutilsFound ??= promisify(execFile)('env', [...IN_ENGLISH, 'cp', '--version']).then(
    ({ stdout }) => stdout.includes('GNU coreutils'),
    () => false,
  );
  return coreutilsFound;
};

/** cp says why it failed in words only; the driver tells errors apart by code. */
const codeOf = (message: string): string => (message.includes('No space left on device') ? 'ENOSPC' : 'EIO');

const runCopy = (from: string, to: string, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn('env', [...IN_ENGLISH, 'cp', '--sparse=always', '--reflink=never', '--', from, to], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, 1_000);
    });
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
    child.once('error', reject);
    // `close` and not `exit`: only then is it certain that cp writes no more.
    child.once('close', (status) => {
      signal.removeEventListener('abort', kill);
      if (signal.aborted) reject(signal.reason);
      else if (status === 0) resolve();
      else reject(Object.assign(new Error(`cp: ${complaint.trim()}`), { code: codeOf(complaint) }));
    });
  });

// By descriptor: a FileHandle costs the main loop as much as the four calls that are made on it.
const openDescriptor = promisify(fs.open);
const writeDescriptor = promisify(fs.write);
const truncateDescriptor = promisify(fs.ftruncate);
const syncDescriptor = promisify(fs.fsync);
const closeDescriptor = promisify(fs.close);

function fileOf(descriptor: number): WritableFile {
  let closed = false;
  let synced = false;
  return {
    write: (bytes, offset, length, position) => {
      synced = false;
      return writeDescriptor(descriptor, bytes, offset, length, position);
    },
    truncate: (lengthBytes) => {
      synced = false;
      return truncateDescriptor(descriptor, lengthBytes);
    },
    sync: async () => {
      await syncDescriptor(descriptor);
      synced = true;
    },
    close: async () => {
      // its number may be another file's by then
      if (closed) return;
      closed = true;
      // with nothing left to be written, closing waits for no disk, and another thread would cost more
      if (synced) fs.closeSync(descriptor);
      else await closeDescriptor(descriptor);
    },
  };
}

/** The real disk. */
export const nodeFileEffects: FileEffects = {
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  openFile: async (path, flags) => fileOf(await openDescriptor(path, flags, FILE_MODE)),
  rename,
  link,
  unlink,
  removeTree: (path) => rm(path, { recursive: true, force: true }),
  syncDirectory: async (path) => {
    const directory = await openDescriptor(path, 'r');
    try {
      await syncDescriptor(directory);
    } finally {
      fs.closeSync(directory);
    }
  },
  reflink: (from, to) => copyFile(from, to, fs.constants.COPYFILE_FICLONE_FORCE),
  copyByCommand: async (from, to, signal) => {
    if (!(await hasCoreutils())) return false;
    await runCopy(from, to, signal);
    return true;
  },
};

/** Shares directory syncs: calls that arrive while one runs wait for the next one, which serves them all. */
export const sharedDirectorySync = (syncDirectory: FileEffects['syncDirectory']): FileEffects['syncDirectory'] => {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();
  const start = (path: string): Promise<void> => {
    const run = syncDirectory(path).finally(() => running.delete(path));
    running.set(path, run);
    return run;
  };
  return (path) => {
    const current = running.get(path);
    if (current === undefined) return start(path);
    const joined = waiting.get(path);
    if (joined !== undefined) return joined;
    const next = current
      .catch(() => undefined)
      .then(() => {
        waiting.delete(path);
        return start(path);
      });
    waiting.set(path, next);
    return next;
  };
};
