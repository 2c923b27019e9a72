import type { Decider } from '../domain/kernel/decider.ts';
import type { Actor, DomainEvent, EventCatalogue } from '../domain/kernel/event.ts';
import { createRecent } from '../domain/kernel/recent.ts';
import type { Rejection } from '../domain/kernel/rejection.ts';
import type { Clock } from '../ports/clock.ts';
import {
  type AppendResult,
  type EventStore,
  type EventToAppend,
  type ExpectedRevision,
  type Position,
  type RecordedEvent,
  RevisionConflict,
  StoreUnavailable,
} from '../ports/event-store.ts';
import {
  type AnyAggregate,
  advanced,
  committed,
  type Entry,
  emptyEntry,
  needsProof,
  type Plan,
  planBatch,
  type Sent,
  verdictOfRepeat,
} from './plan-batch.ts';

/** Who sends a command and under which id: the same `commandId` sent twice to one stream is done once. */
export interface CommandContext {
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: Actor;
  readonly origin?: string;
  readonly traceparent?: string;
  readonly requestHash?: string;
  /** The id was made for this one sending: nothing can have been done under it before. */
  readonly isFirst?: true;
}

/** An aggregate as `handle` needs it: how its streams are read, and how a long ledger closes its books. */
export interface Aggregate<Command extends { readonly type: string }, State, E extends DomainEvent> {
  readonly decider: Decider<Command, State, E>;
  readonly catalogue: EventCatalogue<E>;
  /** Ledgers only: a cold load starts at the last event of `type`, which `close` makes from the whole state. */
  readonly books?: { readonly type: E['type']; readonly close: (state: State) => E };
}

export interface Accepted<State, E extends DomainEvent> {
  readonly kind: 'accepted';
  readonly events: readonly E[];
  readonly state: State;
  /** Everything this command appended lies up to here; the stream's end where it appended nothing, null: empty stream. */
  readonly position: Position | null;
}

export interface Rejected {
  readonly kind: 'rejected';
  readonly rejection: Rejection;
}

export type Outcome<State, E extends DomainEvent> = Accepted<State, E> | Rejected;

export interface Loaded<State> {
  readonly state: State;
  readonly revision: bigint | null;
  readonly position: Position | null;
}

/** Called with each refusal, off the answer's path. */
export type RefusalSink = (refusal: {
  readonly stream: string;
  readonly command: string;
  readonly rejection: Rejection;
  readonly context: CommandContext;
}) => void;

export interface HandleOptions<State> {
  /**
   * What the sender relied on when it did something before (a charge, say): looked at on the very state that is decided
   * on, so that nothing can change in between. A refusal where it is no longer so.
   */
  readonly provided?: (state: State) => Rejection | null;
  /** The stream is known to be new: it is not looked for first. Where it is there all the same, the append finds out. */
  readonly isNew?: boolean;
}

export interface CommandHandler {
  /**
   * Loads, decides, appends at the revision it read; on conflict loads and decides again. Throws StoreUnavailable: with
   * outcome `unknown` the command may have been done, and sending it again under the same id tells.
   */
  handle<C extends { readonly type: string }, S, E extends DomainEvent>(
    aggregate: Aggregate<C, S, E>,
    stream: string,
    command: C,
    context: CommandContext,
    options?: HandleOptions<S>,
  ): Promise<Outcome<S, E>>;
  /** The state of a stream now, read through the same cache. */
  load<C extends { readonly type: string }, S, E extends DomainEvent>(
    aggregate: Aggregate<C, S, E>,
    stream: string,
  ): Promise<Loaded<S>>;
  /** What this command did to the stream when it was sent before; null where it is new there. */
  repeated<C extends { readonly type: string }, S, E extends DomainEvent>(
    aggregate: Aggregate<C, S, E>,
    stream: string,
    context: CommandContext,
  ): Promise<Outcome<S, E> | null>;
}

export interface CommandHandlerOptions {
  readonly eventStore: EventStore;
  readonly clock: Clock;
  readonly onRefused?: RefusalSink;
  /** Streams whose folded state is kept, at least; at most twice as many. */
  readonly cachedStreams?: number;
  /** No other process writes to the log: what is cached is what there is. */
  readonly exclusive?: boolean;
  /** From 0 to 1, for the jitter of waits. */
  readonly random?: () => number;
}

interface Waiting extends Sent {
  readonly isNew: boolean;
  /** Monotonic; null where it may wait as long as it takes. */
  readonly sinceMs: number | null;
  resolve(outcome: Outcome<unknown, DomainEvent>): void;
  fail(error: unknown): void;
}

/** An append that was sent to the store. */
interface UnderWay {
  /** Resolves when the cache has what was appended, or nobody knows whether it was; never rejects. */
  readonly told: Promise<void>;
  /** Its outcome is not known and it is sent again: only the log tells what there is. */
  isRepeated: boolean;
}

const MAX_CONFLICTS = 8;
const MAX_UNKNOWN_OUTCOMES = 5;
/** A store that took so long over an append has tried again by itself: the caller is not kept waiting for more of that. */
const PATIENT_STORE_MS = 5_000;
/** Behind a log that is away, a command that waits longer is not begun any more: its sender was told to try again. */
const MOST_QUEUED_MS = 5_000;
/** Commands decided and appended together; what waits longer goes into the next append. */
const MAX_BATCH = 256;

/**
 * The one way into the log. Commands of one stream queue in process; all that wait are decided in memory, one on top of
 * the other, and appended once. Folded states are cached: an append at an expected revision proves the cache, and a
 * verdict that appends nothing is proven by a look for newer events (unless this process writes alone).
 *
 * Against a crash it needs nothing of its own: nothing is answered before it is durable, and after an append whose
 * outcome is not known the same bytes are sent again, or the reload finds the command's id in the log.
 */
export function createCommandHandler(options: CommandHandlerOptions): CommandHandler {
  const { eventStore, clock, onRefused, cachedStreams = 1_000, exclusive = false, random = Math.random } = options;
  const cache = createRecent<Entry>(cachedStreams);
  /** Commands that wait while a batch of their stream is under way; a stream that is not here is idle. */
  const queues = new Map<string, Waiting[]>();
  const appending = new Map<string, UnderWay>();

  const remember = (stream: string, entry: Entry): Entry => {
    cache.set(stream, entry);
    return entry;
  };

  const fetchEntry = async (aggregate: AnyAggregate, stream: string): Promise<Entry> =>
    advanced(aggregate, emptyEntry(aggregate), await eventsSinceBooks(eventStore, aggregate, stream));

  /** The entry with whatever another process has appended since; the same entry where there is nothing. */
  const refresh = async (aggregate: AnyAggregate, stream: string, entry: Entry): Promise<Entry> => {
    if (entry.revision === null) {
      const fetched = await fetchEntry(aggregate, stream);
      return fetched.revision === null ? entry : fetched;
    }
    return advanced(aggregate, entry, await all(eventStore.readStream(stream, { from: entry.revision + 1n })));
  };

  /** The stream as it is now; only as fresh as the cache when a later append will prove it. */
  const current = async (aggregate: AnyAggregate, stream: string): Promise<Entry> => {
    // While an append is under way its events may be in the log, and seen there, before this process is told so.
    const underWay = appending.get(stream);
    if (underWay !== undefined && exclusive) await underWay.told;
    const cached = cache.get(stream);
    if (cached !== undefined && exclusive && underWay?.isRepeated !== true) return cached;
    const entry = await (cached === undefined ? fetchEntry(aggregate, stream) : refresh(aggregate, stream, cached));
    // A batch may have moved the stream on while this was read: then its entry is the newer one.
    if (cache.get(stream) === cached) remember(stream, entry);
    return entry;
  };

  const appendWithRetry = async (
    stream: string,
    expected: ExpectedRevision,
    events: readonly EventToAppend[],
    onUnknown: () => void,
  ): Promise<AppendResult> => {
    const startedMs = clock.monotonicMs();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await eventStore.append(stream, expected, events);
      } catch (error) {
        const unknown = error instanceof StoreUnavailable && error.outcome === 'unknown';
        const enough = attempt >= MAX_UNKNOWN_OUTCOMES || clock.monotonicMs() - startedMs > PATIENT_STORE_MS;
        if (!unknown || enough) throw error;
        onUnknown();
        await clock.sleep(20 * 2 ** attempt);
      }
    }
  };

  /** After a conflict: what was appended since, or all of it anew where that does not explain the conflict. */
  const reread = async (aggregate: AnyAggregate, stream: string, entry: Entry): Promise<Entry> => {
    const newer = await refresh(aggregate, stream, entry);
    return newer === entry ? fetchEntry(aggregate, stream) : newer;
  };

  const runBatch = async (aggregate: AnyAggregate, stream: string, batch: readonly Waiting[]): Promise<void> => {
    const cached = cache.get(stream);
    const isNew = cached === undefined && batch.every((waiting) => waiting.isNew);
    let proven = !isNew && (cached === undefined || exclusive);
    let entry = cached ?? (isNew ? emptyEntry(aggregate) : await fetchEntry(aggregate, stream));
    for (let conflicts = 0; ; ) {
      const plan = planBatch(aggregate, stream, entry, batch, { now: clock.now(), exclusive });
      if (plan.toAppend.length === 0) {
        if (!proven && needsProof(plan)) {
          proven = true;
          const newer = await refresh(aggregate, stream, entry);
          const unchanged = newer === entry;
          entry = newer;
          if (!unchanged) continue;
        }
        answer(plan, remember(stream, entry), batch, stream);
        return;
      }
      const { promise: told, resolve: tellReaders } = Promise.withResolvers<void>();
      const underWay: UnderWay = { told, isRepeated: false };
      appending.set(stream, underWay);
      const onUnknown = (): void => {
        underWay.isRepeated = true;
        tellReaders();
      };
      try {
        const result = await appendWithRetry(stream, entry.revision ?? 'no-stream', plan.toAppend, onUnknown);
        answer(plan, remember(stream, committed(entry, plan, result, batch)), batch, stream);
        return;
      } catch (error) {
        cache.delete(stream);
        if (!(error instanceof RevisionConflict)) throw error;
        conflicts += 1;
        if (conflicts > MAX_CONFLICTS) throw new StoreUnavailable(`stream ${stream} keeps changing`, 'not-done');
        await clock.sleep(random() * 5 * 2 ** conflicts);
        entry = await reread(aggregate, stream, entry);
        proven = true;
      } finally {
        appending.delete(stream);
        tellReaders();
      }
    }
  };

  const tell: RefusalSink = (refusal) => {
    try {
      onRefused?.(refusal);
    } catch {
      // what cannot be noted must not fail a command that was decided
    }
  };

  const answer = (plan: Plan, entry: Entry, batch: readonly Waiting[], stream: string): void => {
    for (const [index, waiting] of batch.entries()) {
      const verdict = plan.verdicts[index];
      if (verdict === undefined) continue;
      if (verdict.kind === 'failed') waiting.fail(verdict.error);
      else if (verdict.kind === 'rejected') {
        waiting.resolve(verdict);
        tell({ stream, command: waiting.command.type, rejection: verdict.rejection, context: waiting.context });
      } else {
        const { events, state, repeated } = verdict;
        waiting.resolve({ kind: 'accepted', events, state, position: repeated?.position ?? entry.position });
      }
    }
  };

  const wasLeft = ({ sinceMs, fail }: Waiting, stream: string): boolean => {
    const late = sinceMs !== null && clock.monotonicMs() - sinceMs > MOST_QUEUED_MS;
    if (late) fail(new StoreUnavailable(`stream ${stream} is waited for too long`, 'not-done'));
    return late;
  };

  const drain = async (aggregate: AnyAggregate, stream: string, queue: Waiting[]): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue.splice(0, MAX_BATCH).filter((waiting) => !wasLeft(waiting, stream));
      if (batch.length === 0) continue;
      try {
        await runBatch(aggregate, stream, batch);
      } catch (error) {
        for (const waiting of batch) waiting.fail(error);
      }
    }
    queues.delete(stream);
  };

  const enqueue = (aggregate: AnyAggregate, stream: string, waiting: Waiting): void => {
    const queue = queues.get(stream);
    if (queue !== undefined) {
      queue.push(waiting);
      return;
    }
    const started = [waiting];
    queues.set(stream, started);
    void drain(aggregate, stream, started);
  };

  return {
    handle: (aggregate, stream, command, context, { provided, isNew = false } = {}) =>
      new Promise((resolve, fail) => {
        enqueue(aggregate as unknown as AnyAggregate, stream, {
          command,
          context,
          isNew,
          sinceMs: exclusive ? null : clock.monotonicMs(),
          provided: provided as Sent['provided'],
          resolve: resolve as Waiting['resolve'],
          fail,
        });
      }),
    load: async (aggregate, stream) => {
      const { state, revision, position } = await current(aggregate as unknown as AnyAggregate, stream);
      return { state: state as never, revision, position };
    },
    repeated: async (aggregate, stream, context) => {
      const entry = await current(aggregate as unknown as AnyAggregate, stream);
      const verdict = verdictOfRepeat(entry, entry.state, context);
      if (verdict === null || verdict.kind === 'rejected') return verdict;
      const { events, state, repeated } = verdict;
      return { kind: 'accepted', events: events as never, state: state as never, position: repeated.position };
    },
  };
}

const all = async (events: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> => {
  const list: RecordedEvent[] = [];
  for await (const recorded of events) list.push(recorded);
  return list;
};

/** A stream's events in order; of a ledger, those from the last closing of its books on. */
async function eventsSinceBooks(
  eventStore: EventStore,
  aggregate: AnyAggregate,
  stream: string,
): Promise<RecordedEvent[]> {
  if (aggregate.books === undefined) return all(eventStore.readStream(stream));
  const newestFirst: RecordedEvent[] = [];
  for await (const recorded of eventStore.readStream(stream, { direction: 'backwards' })) {
    newestFirst.push(recorded);
    if (recorded.type === aggregate.books.type) break;
  }
  return newestFirst.reverse();
}
