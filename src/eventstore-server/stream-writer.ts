import { randomUUID } from 'node:crypto';
import { type EventStore, type EventToAppend, RevisionConflict, StoreUnavailable } from '../ports/event-store.ts';
import { type Anywhere, appendAnywhere } from './append-anywhere.ts';
import { appendAtRevision, appendNothing, wrongRevision } from './append-at-revision.ts';
import { createCommittedIds } from './committed-ids.ts';
import { tombstoneToAppend, type Writer } from './content.ts';
import { createLanes, type Job } from './lanes.ts';
import { createLogWriter, type LogWriter } from './log-writer.ts';
import { NO_EVENTS } from './stream-head.ts';
import { DELETED_METADATA } from './stream-metadata.ts';
import { subjectOf } from './wire.ts';
import {
  type Expected,
  MAX_CONFLICTS,
  refusalBeforeIds,
  refusalOfRevision,
  revisionOf,
  type WriteOutcome,
} from './write-decisions.ts';

/** Appends and deletions as the protocol means them, over a store that knows only revisions and no stream. */
export interface StreamWriter {
  /** Throws StoreUnavailable, and RangeError for a name the store does not take. */
  append(stream: string, expected: Expected, events: readonly EventToAppend[]): Promise<WriteOutcome>;
  /** `soft` hides what is there until the next append; after `tombstone` the stream is never appended to again. */
  delete(stream: string, expected: Expected, how: Deletion, writer: Writer): Promise<WriteOutcome>;
}

export type Deletion = 'soft' | 'tombstone';

export interface StreamWriterOptions {
  readonly eventStore: EventStore;
  /** Who writes the metadata that nobody asked for. */
  readonly system: () => Writer;
  /** Told of what was stored though the metadata that belongs to it was not. */
  readonly onFault: (error: unknown) => void;
  readonly rememberedIds?: number;
  readonly rememberedStreams?: number;
}

const REMEMBERED_IDS = 50_000;
const REMEMBERED_STREAMS = 20_000;
/** Appends without an expected revision that wait for each other go together. */
const MAX_GROUP = 64;

export function createStreamWriter(options: StreamWriterOptions): StreamWriter {
  const log = createLogWriter({
    eventStore: options.eventStore,
    ids: createCommittedIds(options.rememberedIds ?? REMEMBERED_IDS),
    rememberedStreams: options.rememberedStreams ?? REMEMBERED_STREAMS,
    system: options.system,
    onFault: options.onFault,
  });
  const lanes = createLanes();
  return {
    append: (stream, expected, events) =>
      new Promise((resolve, reject) => {
        lanes.add(subjectOf(stream), appendJob(log, stream, expected, events, { resolve, reject }));
      }),
    delete: (stream, expected, how, writer) =>
      new Promise((resolve, reject) => {
        const alone = (): Promise<void> => remove(log, stream, expected, how, writer).then(resolve, reject);
        lanes.add(subjectOf(stream), { fly: () => null, alone });
      }),
  };
}

interface Settle {
  resolve(outcome: WriteOutcome): void;
  reject(error: unknown): void;
}

function appendJob(
  log: LogWriter,
  stream: string,
  expected: Expected,
  events: readonly EventToAppend[],
  settle: Settle,
): Job {
  if (events.length === 0) return aloneJob(() => appendNothing(log, stream, expected), settle);
  if (expected === 'any' || expected === 'stream-exists') {
    return anywhereJob(log, { stream, expected, events, ...settle });
  }
  return {
    ...aloneJob(() => appendAtRevision(log, stream, expected, events), settle),
    fly: () =>
      log.open.has(stream) ? () => flight(log, stream, expected, events).then(settle.resolve, settle.reject) : null,
  };
}

const aloneJob = (run: () => Promise<WriteOutcome>, { resolve, reject }: Settle): Job => ({
  fly: () => null,
  alone: () => run().then(resolve, reject),
});

/** Straight to the store, which judges the revision: the stream is known not to be deleted. */
async function flight(
  log: LogWriter,
  stream: string,
  expected: bigint | 'no-stream',
  events: readonly EventToAppend[],
): Promise<WriteOutcome> {
  try {
    return { kind: 'written', ...(await log.store(stream, revisionOf(expected), events)) };
  } catch (error) {
    if (error instanceof RevisionConflict) return wrongRevision(log, stream);
    throw error;
  }
}

interface AnywhereJob extends Job, Anywhere, Settle {
  readonly stream: string;
}

function anywhereJob(log: LogWriter, append: Anywhere & Settle & { readonly stream: string }): AnywhereJob {
  const job: AnywhereJob = {
    ...append,
    fly: () => null,
    alone: async (waiting) => {
      const group = [job, ...takeAlong(job, waiting)];
      try {
        const outcomes = await appendAnywhere(log, job.stream, group);
        waiting.unshift(...group.slice(outcomes.length));
        for (const [index, outcome] of outcomes.entries()) group[index]?.resolve(outcome);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    },
  };
  return job;
}

const isAnywhere = (job: Job): job is AnywhereJob => 'expected' in job;

/** Those right behind it that take the same stream as it is. */
function takeAlong({ stream }: AnywhereJob, waiting: Job[]): AnywhereJob[] {
  const along: AnywhereJob[] = [];
  while (along.length < MAX_GROUP - 1) {
    const next = waiting[0];
    if (next === undefined || !isAnywhere(next) || next.stream !== stream) break;
    along.push(next);
    waiting.shift();
  }
  return along;
}

async function remove(
  log: LogWriter,
  stream: string,
  expected: Expected,
  how: Deletion,
  writer: Writer,
): Promise<WriteOutcome> {
  for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts += 1) {
    const { head } = await log.load(stream);
    const { revision, metadataEvent } = head;
    const refusal =
      refusalBeforeIds(head, expected) ?? refusalOfRevision(head, expected, { noStreamMeansDeletedToo: true });
    if (refusal !== null) return refusal;
    if (how === 'soft' && revision === NO_EVENTS && metadataEvent === null) {
      return { kind: 'wrong-revision', current: NO_EVENTS };
    }
    log.open.delete(stream);
    log.open.delete(subjectOf(stream));
    try {
      const result =
        how === 'soft'
          ? await log.storeMetadata(stream, DELETED_METADATA, metadataEvent?.revision ?? NO_EVENTS, writer)
          : await log.store(stream, revision, [tombstoneToAppend(randomUUID(), writer)]);
      return { kind: 'written', ...result };
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
    }
  }
  throw new StoreUnavailable(`stream ${stream} keeps changing`, 'not-done');
}
