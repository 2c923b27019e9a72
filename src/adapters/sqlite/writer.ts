import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { StoreUnavailable } from '../../ports/event-store.ts';
import { writeError } from './faults.ts';
import { createPacker, unpackOutcomes } from './packed.ts';
import type { FromWriter, OutcomeOf, QueuedUnit, StoreSettings, ToWriter, Unit } from './writer-protocol.ts';

/** Writes one file through the writer thread. */
export interface FileWriter {
  /**
   * Resolves once the unit is committed; units submitted meanwhile share the next commit. `durable: false` does not
   * wait for the disk. Throws StoreUnavailable.
   */
  submit<U extends Unit>(unit: U, options?: { readonly durable?: boolean }): Promise<OutcomeOf<U>>;
  /** Waits for what was submitted, then closes the file. */
  close(): Promise<void>;
}

/** A thread that writes files; stores that share one save memory (about 20 MB each) and wait for each other. */
export interface WriterThread {
  /** The file must exist already. Throws StoreUnavailable. */
  open(file: string, settings?: StoreSettings): Promise<FileWriter>;
  /** After its files are closed. */
  close(): Promise<void>;
}

interface Pending {
  resolve(outcome: unknown): void;
  reject(error: Error): void;
}

interface OpenFile {
  readonly number: number;
  readonly file: string;
  readonly settings: StoreSettings;
  readonly pending: Map<number, Pending>;
  pack: ReturnType<typeof createPacker>;
  outbox: QueuedUnit[];
  /** For each message that is not answered in full: its last unit. They are committed in order. */
  underWay: number[];
  opening: Pending | undefined;
  closed: (() => void) | undefined;
  /** `lost`: its thread has died; the next unit opens it again in a new one. */
  state: 'open' | 'lost' | 'closed';
}

/**
 * Messages to the thread that are not answered: one that is being committed, and one that lies ready. What comes on top
 * waits here and goes together, instead of one by one to where it would wait as well.
 */
const MOST_UNDER_WAY = 2;

/** The worker's file has the extension of this one: .ts in a checkout, .js in a compiled package. */
const THREAD_FILE = new URL(`./writer-thread${extname(fileURLToPath(import.meta.url))}`, import.meta.url);

export function startWriterThread(): WriterThread {
  const files = new Map<number, OpenFile>();
  let worker: Worker | undefined;
  let lastFile = 0;
  let lastUnit = 0;

  const spawn = (): Worker => {
    const started = new Worker(THREAD_FILE, { name: 'sqlite-writer' });
    let cause: unknown;
    started.on('message', (message: FromWriter) => {
      receive(files, message);
      const file = files.get(message.store);
      // at the end of the turn: what the answers set going goes along
      if (file !== undefined && file.outbox.length > 0) setImmediate(() => flush(file));
    });
    started.on('error', (error) => {
      cause = error;
    });
    started.on('exit', () => {
      if (worker === started) worker = undefined;
      for (const file of files.values()) lose(file, cause);
    });
    return started;
  };

  const send = (message: ToWriter): void => {
    worker ??= spawn();
    worker.postMessage(message);
  };

  const post = (file: OpenFile): void => {
    if (file.outbox.length === 0) return;
    if (file.state === 'lost') {
      file.state = 'open';
      file.pack = createPacker();
      send({ kind: 'open', store: file.number, file: file.file, settings: file.settings });
    }
    send({ kind: 'write', store: file.number, units: file.pack(file.outbox) });
    file.underWay.push(file.outbox.at(-1)?.id ?? 0);
    file.outbox = [];
  };

  const flush = (file: OpenFile): void => {
    if (file.underWay.length < MOST_UNDER_WAY) post(file);
  };

  const writerOf = (file: OpenFile): FileWriter => ({
    submit: (unit, options) =>
      new Promise((resolve, reject) => {
        if (file.state === 'closed') {
          reject(new StoreUnavailable(`${file.file}: it is closed`, 'not-done'));
          return;
        }
        lastUnit += 1;
        file.pending.set(lastUnit, { resolve: resolve as Pending['resolve'], reject });
        // What is submitted in one turn of the loop goes in one message, and so into one commit: whatever the answers to
        // the last commit set going comes before the check phase.
        if (file.outbox.length === 0) setImmediate(() => flush(file));
        file.outbox.push({ id: lastUnit, durable: options?.durable ?? true, unit });
      }),
    close: () => {
      const wasOpen = file.state === 'open';
      if (wasOpen) post(file);
      file.state = 'closed';
      if (!wasOpen) return Promise.resolve();
      return new Promise((resolve) => {
        file.closed = resolve;
        send({ kind: 'close', store: file.number });
      });
    },
  });

  return {
    open: async (path, settings = {}) => {
      lastFile += 1;
      const file: OpenFile = {
        number: lastFile,
        file: path,
        settings,
        pending: new Map(),
        pack: createPacker(),
        outbox: [],
        underWay: [],
        opening: undefined,
        closed: undefined,
        state: 'open',
      };
      files.set(file.number, file);
      await new Promise<unknown>((resolve, reject) => {
        file.opening = { resolve, reject };
        send({ kind: 'open', store: file.number, file: path, settings });
      });
      return writerOf(file);
    },
    close: async () => {
      await worker?.terminate();
    },
  };
}

/**
 * Opens a file through a shared thread, or through one of its own that ends with it. Throws StoreUnavailable.
 */
export async function openFileWriter(
  file: string,
  shared: WriterThread | undefined,
  settings?: StoreSettings,
): Promise<FileWriter> {
  if (shared !== undefined) return shared.open(file, settings);
  const own = startWriterThread();
  try {
    const writer = await own.open(file, settings);
    return { submit: writer.submit, close: () => writer.close().then(own.close) };
  } catch (error) {
    await own.close();
    throw error;
  }
}

function receive(files: Map<number, OpenFile>, message: FromWriter): void {
  const file = files.get(message.store);
  if (file === undefined) return;
  switch (message.kind) {
    case 'opened':
      if (message.failure === undefined) {
        file.opening?.resolve(undefined);
      } else {
        if (file.opening !== undefined) files.delete(file.number);
        file.opening?.reject(writeError(file.file, message.failure));
        if (file.state === 'open') file.state = 'lost';
      }
      file.opening = undefined;
      return;
    case 'written':
      for (const { id, outcome } of unpackOutcomes(message.outcomes)) take(file, id)?.resolve(outcome);
      return;
    case 'failed':
      for (const id of message.ids) take(file, id)?.reject(writeError(file.file, message.failure));
      return;
    case 'closed':
      files.delete(file.number);
      file.closed?.();
  }
}

/** Who waits for this unit, and from now on waits no more. */
function take(file: OpenFile, id: number): Pending | undefined {
  const pending = file.pending.get(id);
  file.pending.delete(id);
  if (file.underWay[0] === id) file.underWay.shift();
  return pending;
}

/** The thread died: whatever was on its way may or may not have been committed. */
function lose(file: OpenFile, cause: unknown): void {
  const error = new StoreUnavailable(`${file.file}: the writer thread has ended`, 'unknown', 1_000, { cause });
  for (const pending of file.pending.values()) pending.reject(error);
  file.pending.clear();
  file.outbox = [];
  file.underWay = [];
  file.opening?.reject(error);
  file.opening = undefined;
  file.closed?.();
  if (file.state === 'open') file.state = 'lost';
}
