import { setTimeout as sleep } from 'node:timers/promises';
import type { Decider, Decision } from '../domain/kernel/decider.ts';
import type { Actor, DomainEvent, EventCatalogue, EventMetadata } from '../domain/kernel/event.ts';
import { eventIdOf } from '../domain/kernel/ids.ts';
import { type Rejection, reject } from '../domain/kernel/rejection.ts';
import type { Clock } from '../ports/clock.ts';
import {
  type EventStore,
  type EventToAppend,
  type ExpectedRevision,
  type Position,
  type RecordedEvent,
  RevisionConflict,
  StoreUnavailable,
} from '../ports/event-store.ts';

/** Who sends a command and under which id: the same `commandId` sent twice is done once. */
export interface CommandContext {
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: Actor;
  readonly origin?: string;
  readonly traceparent?: string;
  readonly requestHash?: string;
}

/** An aggregate as `handle` needs it: how its streams are read, and how a long ledger closes its books. */
export interface Aggregate<Command extends { readonly type: string }, State, E extends DomainEvent> {
  readonly decider: Decider<Command, State, E>;
  readonly catalogue: EventCatalogue<E>;
  /** Ledgers only: a cold load starts at the last event of `type`, which `close` makes from the whole state. */
  readonly books?: { readonly type: E['type']; readonly close: (state: State) => E };
}

export type Outcome<State, E extends DomainEvent> =
  | {
      readonly kind: 'accepted';
      readonly events: readonly E[];
      readonly state: State;
      /** Position of the last event of this command, or of the stream where it appended none; null: empty stream. */
      readonly position: Position | null;
    }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

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

export interface CommandHandler {
  /** Loads, decides, appends at the revision it read; on conflict loads and decides again. Throws StoreUnavailable. */
  handle<C extends { readonly type: string }, S, E extends DomainEvent>(
    aggregate: Aggregate<C, S, E>,
    stream: string,
    command: C,
    context: CommandContext,
  ): Promise<Outcome<S, E>>;
  /** The state of a stream now, read through the same cache. */
  load<C extends { readonly type: string }, S, E extends DomainEvent>(
    aggregate: Aggregate<C, S, E>,
    stream: string,
  ): Promise<Loaded<S>>;
}

interface Done {
  readonly events: readonly DomainEvent[];
  readonly position: Position;
  readonly requestHash: string | undefined;
}

/** One stream as last seen: its folded state, and what each recent command did there. */
interface Entry {
  state: unknown;
  revision: bigint | null;
  position: Position | null;
  done: Map<string, Done>;
  sinceBooks: number;
}

interface Waiting {
  readonly command: { readonly type: string };
  readonly context: CommandContext;
  resolve(outcome: Outcome<unknown, DomainEvent>): void;
  fail(error: unknown): void;
}

interface Queue {
  waiting: Waiting[];
  running: boolean;
}

type AnyAggregate = Aggregate<{ readonly type: string }, unknown, DomainEvent>;

const MAX_CONFLICTS = 8;
const MAX_UNKNOWN_OUTCOMES = 5;
/** Commands decided and appended together; what waits longer goes into the next append. */
const MAX_BATCH = 256;
/** A ledger closes its books after so many events, so that a cold load stays below 1,000. */
const BOOKS_EVERY = 500;
const MAX_DONE_PER_STREAM = 1_000;

/**
 * The one way into the log. Commands of one stream queue in process; all that wait are decided in memory, one on
 * top of the other, and appended once. Folded states are cached: an append at an expected revision proves the cache.
 */
export function createCommandHandler(options: {
  readonly eventStore: EventStore;
  readonly clock: Clock;
  readonly onRefused?: RefusalSink;
  readonly cachedStreams?: number;
}): CommandHandler {
  const { eventStore, clock, onRefused } = options;
  const cachedStreams = options.cachedStreams ?? 5_000;
  const cache = new Map<string, Entry>();
  const queues = new Map<string, Queue>();

  const remember = (stream: string, entry: Entry): void => {
    cache.delete(stream);
    cache.set(stream, entry);
    if (cache.size > cachedStreams) {
      const oldest = cache.keys().next();
      if (!oldest.done) cache.delete(oldest.value);
    }
  };

  const fetchEntry = async (aggregate: AnyAggregate, stream: string): Promise<Entry> => {
    const entry: Entry = { state: aggregate.decider.initial, revision: null, position: null, done: new Map(), sinceBooks: 0 };
    for await (const recorded of eventsSinceBooks(eventStore, aggregate, stream)) applyRecorded(aggregate, entry, recorded);
    return entry;
  };

  const loadEntry = async (aggregate: AnyAggregate, stream: string): Promise<Entry> => {
    const cached = cache.get(stream);
    if (cached !== undefined) {
      remember(stream, cached);
      return cached;
    }
    const entry = await fetchEntry(aggregate, stream);
    remember(stream, entry);
    return entry;
  };

  const appendWithRetry = async (
    stream: string,
    expected: ExpectedRevision,
    events: readonly EventToAppend[],
  ): Promise<{ revision: bigint; position: Position }> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await eventStore.append(stream, expected, events);
      } catch (error) {
        const again = error instanceof StoreUnavailable && error.outcome === 'unknown' && attempt < MAX_UNKNOWN_OUTCOMES;
        if (!again) throw error;
        await sleep(20 * 2 ** attempt);
      }
    }
  };

  const runBatch = async (aggregate: AnyAggregate, stream: string, batch: readonly Waiting[]): Promise<void> => {
    for (let conflicts = 0; ; conflicts += 1) {
      const entry = await loadEntry(aggregate, stream);
      const plan = planBatch(aggregate, stream, entry, batch, clock.now());
      if (plan.toAppend.length === 0) {
        answer(plan, entry, batch, stream);
        return;
      }
      try {
        const result = await appendWithRetry(stream, entry.revision ?? 'no-stream', plan.toAppend);
        commit(entry, plan, result, batch);
        remember(stream, entry);
        answer(plan, entry, batch, stream);
        return;
      } catch (error) {
        cache.delete(stream);
        if (!(error instanceof RevisionConflict)) throw error;
        if (conflicts >= MAX_CONFLICTS) throw new StoreUnavailable(`stream ${stream} keeps changing`, 'not-done');
        await sleep(Math.random() * 5 * 2 ** conflicts);
      }
    }
  };

  const answer = (plan: Plan, entry: Entry, batch: readonly Waiting[], stream: string): void => {
    for (const [index, waiting] of batch.entries()) {
      const verdict = plan.verdicts[index];
      if (verdict === undefined) continue;
      if (verdict.kind === 'rejected') {
        onRefused?.({ stream, command: waiting.command.type, rejection: verdict.rejection, context: waiting.context });
        waiting.resolve(verdict);
        continue;
      }
      const done = entry.done.get(waiting.context.commandId);
      const position = verdict.repeated?.position ?? done?.position ?? entry.position;
      waiting.resolve({ kind: 'accepted', events: verdict.events, state: verdict.state, position });
    }
  };

  const drain = async (aggregate: AnyAggregate, stream: string, queue: Queue): Promise<void> => {
    while (queue.waiting.length > 0) {
      const batch = queue.waiting.splice(0, MAX_BATCH);
      try {
        await runBatch(aggregate, stream, batch);
      } catch (error) {
        for (const waiting of batch) waiting.fail(error);
      }
    }
    queue.running = false;
    queues.delete(stream);
  };

  return {
    handle: (aggregate, stream, command, context) =>
      new Promise((resolve, fail) => {
        const queue = queues.get(stream) ?? { waiting: [], running: false };
        queues.set(stream, queue);
        queue.waiting.push({ command, context, resolve: resolve as Waiting['resolve'], fail });
        if (queue.running) return;
        queue.running = true;
        void drain(aggregate as unknown as AnyAggregate, stream, queue);
      }),
    load: async (aggregate, stream) => {
      const { state, revision, position } = await loadEntry(aggregate as unknown as AnyAggregate, stream);
      return { state: state as never, revision, position };
    },
  };
}

type Verdict =
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  | {
      readonly kind: 'accepted';
      readonly events: readonly DomainEvent[];
      readonly state: unknown;
      /** What this command did when it was sent before. */
      readonly repeated?: Done;
    };

interface Plan {
  readonly verdicts: readonly Verdict[];
  readonly toAppend: readonly EventToAppend[];
  readonly state: unknown;
  readonly closed: boolean;
}

/** Decides all commands of a batch in memory, each on the state the one before left. */
function planBatch(aggregate: AnyAggregate, stream: string, entry: Entry, batch: readonly Waiting[], now: number): Plan {
  const verdicts: Verdict[] = [];
  const toAppend: EventToAppend[] = [];
  const inBatch = new Map<string, Verdict>();
  let state = entry.state;
  let lastContext: CommandContext | undefined;
  for (const { command, context } of batch) {
    const verdict = inBatch.get(context.commandId) ?? verdictFor(aggregate, entry, state, command, context, now);
    inBatch.set(context.commandId, verdict);
    verdicts.push(verdict);
    if (verdict.kind === 'rejected' || verdict.repeated !== undefined || verdict.events.length === 0) continue;
    if (verdicts.indexOf(verdict) !== verdicts.length - 1) continue;
    state = verdict.state;
    lastContext = context;
    for (const [index, event] of verdict.events.entries()) {
      toAppend.push(toStored(aggregate, stream, event, index, context, now));
    }
  }
  const { books } = aggregate;
  const closed = books !== undefined && lastContext !== undefined && entry.sinceBooks + toAppend.length >= BOOKS_EVERY;
  if (closed && lastContext !== undefined) {
    const closing = books.close(state);
    state = aggregate.decider.evolve(state, closing);
    toAppend.push(toStored(aggregate, stream, closing, 1_000_000, lastContext, now));
  }
  return { verdicts, toAppend, state, closed };
}

function verdictFor(
  aggregate: AnyAggregate,
  entry: Entry,
  state: unknown,
  command: { readonly type: string },
  context: CommandContext,
  now: number,
): Verdict {
  const repeated = entry.done.get(context.commandId);
  if (repeated !== undefined) {
    if (repeated.requestHash !== context.requestHash) return { kind: 'rejected', rejection: reject('IdempotencyKeyReused') };
    return { kind: 'accepted', events: repeated.events, state, repeated };
  }
  const decision: Decision<DomainEvent> = aggregate.decider.decide(command, state, now);
  if (decision.kind === 'rejected') return decision;
  const events = decision.events.map((event) => aggregate.catalogue.encode(event));
  return { kind: 'accepted', events, state: events.reduce(aggregate.decider.evolve, state) };
}

function toStored(
  aggregate: AnyAggregate,
  stream: string,
  event: DomainEvent,
  index: number,
  context: CommandContext,
  now: number,
): EventToAppend {
  const metadata: EventMetadata = {
    commandId: context.commandId,
    correlationId: context.correlationId,
    causationId: context.causationId,
    actor: context.actor,
    ...(context.origin === undefined ? {} : { origin: context.origin }),
    at: now,
    schemaVersion: aggregate.catalogue.versionOf(event.type),
    ...(context.traceparent === undefined ? {} : { traceparent: context.traceparent }),
    ...(context.requestHash === undefined ? {} : { requestHash: context.requestHash }),
  };
  return { id: eventIdOf(context.commandId, stream, index), type: event.type, data: event.data, metadata };
}

function commit(
  entry: Entry,
  plan: Plan,
  result: { revision: bigint; position: Position },
  batch: readonly Waiting[],
): void {
  entry.state = plan.state;
  entry.revision = result.revision;
  entry.position = result.position;
  entry.sinceBooks = plan.closed ? 0 : entry.sinceBooks + plan.toAppend.length;
  for (const [index, { context }] of batch.entries()) {
    const verdict = plan.verdicts[index];
    if (verdict?.kind !== 'accepted' || verdict.repeated !== undefined || verdict.events.length === 0) continue;
    noteDone(entry, context.commandId, { events: verdict.events, position: result.position, requestHash: context.requestHash });
  }
}

function noteDone(entry: Entry, commandId: string, done: Done): void {
  entry.done.set(commandId, done);
  if (entry.done.size <= MAX_DONE_PER_STREAM) return;
  const oldest = entry.done.keys().next();
  if (!oldest.done) entry.done.delete(oldest.value);
}

function applyRecorded(aggregate: AnyAggregate, entry: Entry, recorded: RecordedEvent): void {
  const event = aggregate.catalogue.decode(recorded.type, recorded.metadata.schemaVersion, recorded.data);
  entry.state = aggregate.decider.evolve(entry.state, event);
  entry.revision = recorded.revision;
  entry.position = recorded.position;
  entry.sinceBooks = event.type === aggregate.books?.type ? 0 : entry.sinceBooks + 1;
  const { commandId, requestHash } = recorded.metadata;
  const before = entry.done.get(commandId);
  if (event.type === aggregate.books?.type) return;
  noteDone(entry, commandId, { events: [...(before?.events ?? []), event], position: recorded.position, requestHash });
}

/** A stream's events in order; of a ledger, those from the last closing of its books on. */
async function* eventsSinceBooks(
  eventStore: EventStore,
  aggregate: AnyAggregate,
  stream: string,
): AsyncIterable<RecordedEvent> {
  if (aggregate.books === undefined) {
    yield* eventStore.readStream(stream);
    return;
  }
  const newestFirst: RecordedEvent[] = [];
  for await (const recorded of eventStore.readStream(stream, { direction: 'backwards' })) {
    newestFirst.push(recorded);
    if (recorded.type === aggregate.books.type) break;
  }
  yield* newestFirst.reverse();
}
