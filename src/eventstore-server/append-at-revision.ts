import { type EventToAppend, RevisionConflict, StoreUnavailable } from '../ports/event-store.ts';
import type { Loaded, LogWriter } from './log-writer.ts';
import { eventAt, lastEvent, NO_EVENTS, type StreamHead } from './stream-head.ts';
import { isMetastream } from './wire.ts';
import {
  type Expected,
  MAX_CONFLICTS,
  refusalBeforeIds,
  refusalOfRevision,
  revisionOf,
  type WriteOutcome,
} from './write-decisions.ts';

/** Appends at an expected revision. The store judges it, event ids included; this adds what deletion means. Runs alone. */
export async function appendAtRevision(
  log: LogWriter,
  stream: string,
  expected: bigint | 'no-stream',
  events: readonly EventToAppend[],
): Promise<WriteOutcome> {
  if (expected === 'no-stream' && !isMetastream(stream)) {
    // Most often it is new: then nothing of it need be read. What else it may be is looked at below, where the same
    // append is sent once more.
    const created = await log.create(stream, events);
    if (created !== null) return { kind: 'written', ...created };
  }
  for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts += 1) {
    const loaded = await log.load(stream);
    const refusal = refusalBeforeIds(loaded.head, expected);
    if (refusal !== null) return refusal;
    const after = await placeOf(log, loaded.head, expected, events);
    const outcome = await appendBehind(log, loaded, after, events);
    if (outcome !== null) return outcome;
    if (after === revisionOf(expected)) return wrongRevision(log, stream);
  }
  throw new StoreUnavailable(`stream ${stream} keeps changing`, 'not-done');
}

/** Null: the stream is not at that revision. */
async function appendBehind(
  log: LogWriter,
  loaded: Loaded,
  after: bigint,
  events: readonly EventToAppend[],
): Promise<WriteOutcome | null> {
  const { head, subject } = loaded;
  const last = events.at(-1);
  if (last === undefined) return null;
  try {
    const result = await log.store(head.stream, after, events);
    if (result.revision > head.revision) await log.written(loaded, last);
    else if (head.state === 'open' && subject === null) log.open.add(head.stream);
    return { kind: 'written', ...result };
  } catch (error) {
    if (error instanceof RevisionConflict) return null;
    throw error;
  }
}

/** Whoever expects no stream may append to a deleted one, unless this repeats how the stream began. */
async function placeOf(
  log: LogWriter,
  head: StreamHead,
  expected: bigint | 'no-stream',
  events: readonly EventToAppend[],
): Promise<bigint> {
  if (expected !== 'no-stream') return expected;
  if (head.state !== 'deleted') return NO_EVENTS;
  const first = await eventAt(log.eventStore, head.stream, 0n);
  return first?.id === events[0]?.id ? NO_EVENTS : head.revision;
}

/** What a writer is told whose expectation the store did not find. */
export async function wrongRevision(log: LogWriter, stream: string): Promise<WriteOutcome> {
  const last = await lastEvent(log.eventStore, stream);
  return { kind: 'wrong-revision', current: last?.revision ?? NO_EVENTS };
}

/** An append of no events only checks what it expects, and brings a deleted stream back. Runs alone. */
export async function appendNothing(log: LogWriter, stream: string, expected: Expected): Promise<WriteOutcome> {
  const { head } = await log.load(stream);
  const refusal =
    refusalBeforeIds(head, expected) ?? refusalOfRevision(head, expected, { noStreamMeansDeletedToo: false });
  if (refusal !== null) return refusal;
  await log.reopen(head);
  return { kind: 'written', revision: head.revision, position: await log.eventStore.head() };
}
