import type { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { collectWhenIdle } from '../system/idle-collection.ts';
import { prepareAppend } from './append-unit.ts';
import { failureOf, type WriteFailure } from './faults.ts';
import { createUnpacker, packOutcomes } from './packed.ts';
import { prepareStatements } from './statements-unit.ts';
import { openWriter } from './store-file.ts';
import type { FromWriter, Outcome, QueuedUnit, StoreSettings, ToWriter, Unit } from './writer-protocol.ts';

/**
 * The writer thread: the only place that waits for the disk. Units that arrive while a commit is in flight share the
 * next transaction and one fsync; results are sent only after COMMIT.
 */

/** Bounds how long the first unit of a transaction waits for the last. */
const MAX_UNITS_PER_COMMIT = 1_000;

interface OpenStore {
  readonly number: number;
  readonly database: DatabaseSync;
  readonly settings: StoreSettings;
  readonly execute: (unit: Unit) => Outcome;
  readonly unpack: ReturnType<typeof createUnpacker>;
  waiting: QueuedUnit[];
  synchronous: 'FULL' | 'NORMAL';
  closing: boolean;
}

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread');
collectWhenIdle();
const stores = new Map<number, OpenStore>();
const send = (message: FromWriter): void => port.postMessage(message);

port.on('message', (first: ToWriter) => {
  accept(first);
  acceptAllThatArrived();
  // Asked again after every look at the port: what is taken from it by hand wakes nobody later.
  for (let next = nextStore(); next !== undefined; next = nextStore()) {
    if (next.waiting.length > 0) commitWaiting(next);
    else close(next);
    acceptAllThatArrived();
  }
});

/** The next store in turn that has something to do. */
function nextStore(): OpenStore | undefined {
  const ready = (store: OpenStore): boolean => store.waiting.length > 0 || store.closing;
  for (const store of stores.values()) {
    if (!ready(store)) continue;
    // To the end of the queue, so that one busy store does not starve the others.
    stores.delete(store.number);
    stores.set(store.number, store);
    return store;
  }
  return undefined;
}

function acceptAllThatArrived(): void {
  for (let next = take(); next !== undefined; next = take()) accept(next);
}

function take(): ToWriter | undefined {
  return port === null ? undefined : (receiveMessageOnPort(port)?.message as ToWriter | undefined);
}

function accept(message: ToWriter): void {
  switch (message.kind) {
    case 'open':
      open(message.store, message.file, message.settings);
      return;
    case 'write': {
      const store = stores.get(message.store);
      if (store === undefined) {
        fail(message.store, createUnpacker()(message.units), {
          errcode: undefined,
          message: 'it is not open',
          phase: 'before-commit',
        });
        return;
      }
      for (const unit of store.unpack(message.units)) store.waiting.push(unit);
      return;
    }
    case 'close': {
      const store = stores.get(message.store);
      if (store !== undefined) store.closing = true;
      else send({ kind: 'closed', store: message.store });
    }
  }
}

function open(number: number, file: string, settings: StoreSettings): void {
  try {
    const database = openWriter(file, settings);
    const append = prepareAppend(database);
    const statements = prepareStatements(database);
    const execute = (unit: Unit): Outcome => (unit.kind === 'append' ? append(unit) : statements(unit));
    const idle = { waiting: [], synchronous: 'FULL', closing: false } satisfies Partial<OpenStore>;
    stores.set(number, { number, database, settings, execute, unpack: createUnpacker(), ...idle });
    send({ kind: 'opened', store: number });
  } catch (error) {
    send({ kind: 'opened', store: number, failure: failureOf(error, 'before-commit') });
  }
}

function close(store: OpenStore): void {
  stores.delete(store.number);
  store.database.close();
  send({ kind: 'closed', store: store.number });
}

function commitWaiting(store: OpenStore): void {
  const batch = store.waiting.splice(0, MAX_UNITS_PER_COMMIT);
  const failure = commit(store, batch);
  if (failure === null) return;
  if (failure.phase === 'commit' || batch.length === 1) {
    fail(store.number, batch, failure);
    return;
  }
  // Before the commit nothing was done: each alone finds the one that cannot be written, and the others succeed.
  for (const queued of batch) {
    const ownFailure = commit(store, [queued]);
    if (ownFailure !== null) fail(store.number, [queued], ownFailure);
  }
}

function fail(store: number, batch: readonly QueuedUnit[], failure: WriteFailure): void {
  send({ kind: 'failed', store, ids: batch.map(({ id }) => id), failure });
}

/** One transaction; answers its units once it is on the disk. */
function commit(store: OpenStore, batch: readonly QueuedUnit[]): WriteFailure | null {
  const { database } = store;
  const durable = batch.some((queued) => queued.durable);
  let phase: WriteFailure['phase'] = 'before-commit';
  try {
    setSynchronous(store, durable ? 'FULL' : 'NORMAL');
    database.exec('BEGIN IMMEDIATE');
    const outcomes = batch.map(({ id, unit }) => ({ id, outcome: store.execute(unit) }));
    phase = 'commit';
    database.exec('COMMIT');
    if (durable) simulateSlowDisk(store.settings.simulateFsyncMs ?? 0);
    send({ kind: 'written', store: store.number, outcomes: packOutcomes(outcomes) });
    return null;
  } catch (error) {
    rollBack(database);
    return failureOf(error, phase);
  }
}

function setSynchronous(store: OpenStore, synchronous: OpenStore['synchronous']): void {
  if (store.synchronous === synchronous) return;
  store.database.exec(`PRAGMA synchronous = ${synchronous}`);
  store.synchronous = synchronous;
}

function rollBack(database: DatabaseSync): void {
  // SQLite has rolled back on its own after some errors; the first error is the one to report.
  if (database.isTransaction) database.exec('ROLLBACK');
}

function simulateSlowDisk(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
