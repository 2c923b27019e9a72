import { hash } from 'node:crypto';
import type { Decision } from '../domain/kernel/decider.ts';
import type { DomainEvent, EventMetadata } from '../domain/kernel/event.ts';
import { eventIdOf } from '../domain/kernel/ids.ts';
import { type Rejection, reject } from '../domain/kernel/rejection.ts';
import type { Instant } from '../domain/kernel/units.ts';
import type { AppendResult, EventToAppend, Position, RecordedEvent } from '../ports/event-store.ts';
import type { Aggregate, CommandContext, Rejected } from './handle.ts';

/** An aggregate whose types the batch does not need to know. */
export type AnyAggregate = Aggregate<{ readonly type: string }, unknown, DomainEvent>;

/** What one command did to a stream. */
export interface Done {
  readonly events: readonly DomainEvent[];
  readonly position: Position;
  readonly requestHash: string | undefined;
}

/** One stream as last seen: its folded state, and what each recent command did there. */
export interface Entry {
  readonly state: unknown;
  /** null: the stream is empty. */
  readonly revision: bigint | null;
  readonly position: Position | null;
  /** Newest last. A committed batch hands the map on to the entry that replaces this one. */
  readonly done: Map<string, Done>;
  readonly sinceBooks: number;
}

/** A command as it waits for its turn on a stream. */
export interface Sent {
  readonly command: { readonly type: string };
  readonly context: CommandContext;
  /** What its sender relied on: a refusal where that is no longer so. */
  readonly provided: ((state: unknown) => Rejection | null) | undefined;
}

export type Verdict =
  | Rejected
  /** Deciding or encoding threw: a defect that concerns this command alone. */
  | { readonly kind: 'failed'; readonly error: unknown }
  | {
      readonly kind: 'accepted';
      readonly events: readonly DomainEvent[];
      readonly state: unknown;
      /** What this command did when it was sent before. */
      readonly repeated?: Done;
    };

export interface Plan {
  /** One for each command, in order. */
  readonly verdicts: readonly Verdict[];
  readonly toAppend: readonly EventToAppend[];
  readonly state: unknown;
  readonly closed: boolean;
}

/** A ledger closes its books after so many events: with a batch on top a cold load stays below 1,000. */
const BOOKS_EVERY = 500;
/** Older repeats are caught by the state (a ledger's operation ids) or not at all. */
const MAX_DONE_PER_STREAM = 1_000;
/** Index of the closing among its command's events: behind whatever the command itself appends. */
const CLOSING_INDEX = 1_000_000;

export const emptyEntry = (aggregate: AnyAggregate): Entry => ({
  state: aggregate.decider.initial,
  revision: null,
  position: null,
  done: new Map(),
  sinceBooks: 0,
});

export interface PlanOptions {
  readonly now: Instant;
  /** Nobody else is sent the same commands: their ids tell their events apart. */
  readonly exclusive: boolean;
}

/** Decides all commands of a batch in memory, each on the state that the one before left. */
export function planBatch(
  aggregate: AnyAggregate,
  stream: string,
  entry: Entry,
  batch: readonly Sent[],
  options: PlanOptions,
): Plan {
  const verdicts: Verdict[] = [];
  const toAppend: EventToAppend[] = [];
  const planned = new Map<string, { readonly verdict: Verdict; readonly requestHash: string | undefined }>();
  let state = entry.state;
  let lastContext: CommandContext | undefined;
  for (const sent of batch) {
    const { commandId, requestHash } = sent.context;
    const twin = planned.get(commandId);
    if (twin !== undefined) {
      verdicts.push(twin.requestHash === requestHash ? twin.verdict : keyReused());
      continue;
    }
    const verdict = verdictFor(aggregate, entry, state, sent, options.now);
    verdicts.push(verdict);
    if (verdict.kind !== 'accepted' || verdict.repeated !== undefined || verdict.events.length === 0) continue;
    planned.set(commandId, { verdict, requestHash });
    state = verdict.state;
    lastContext = sent.context;
    for (const [index, event] of verdict.events.entries()) {
      toAppend.push(toStored(aggregate, stream, event, index, sent.context, options));
    }
  }
  const { books } = aggregate;
  if (books === undefined || lastContext === undefined || entry.sinceBooks + toAppend.length < BOOKS_EVERY) {
    return { verdicts, toAppend, state, closed: false };
  }
  const closing = aggregate.catalogue.encode(books.close(state));
  toAppend.push(toStored(aggregate, stream, closing, CLOSING_INDEX, lastContext, options));
  return { verdicts, toAppend, state: aggregate.decider.evolve(state, closing), closed: true };
}

const keyReused = (): Rejected => ({ kind: 'rejected', rejection: reject('IdempotencyKeyReused') });

/** The first outcome again where the command was done before, or the refusal where its id came with another request. */
export function verdictOfRepeat(
  entry: Entry,
  state: unknown,
  { commandId, requestHash }: CommandContext,
): Rejected | (Extract<Verdict, { kind: 'accepted' }> & { readonly repeated: Done }) | null {
  const repeated = entry.done.get(commandId);
  if (repeated === undefined) return null;
  return repeated.requestHash === requestHash
    ? { kind: 'accepted', events: repeated.events, state, repeated }
    : keyReused();
}

function verdictFor(aggregate: AnyAggregate, entry: Entry, state: unknown, sent: Sent, now: Instant): Verdict {
  const repeat = verdictOfRepeat(entry, state, sent.context);
  if (repeat !== null) return repeat;
  try {
    const changed = sent.provided?.(state) ?? null;
    if (changed !== null) return { kind: 'rejected', rejection: changed };
    const decision: Decision<DomainEvent> = aggregate.decider.decide(sent.command, state, now);
    if (decision.kind === 'rejected') return decision;
    const events = decision.events.map((event) => aggregate.catalogue.encode(event));
    return { kind: 'accepted', events, state: events.reduce(aggregate.decider.evolve, state) };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

/**
 * Whether nothing proves the state that a verdict was made on: an append at the revision that was read would, but nothing
 * is appended. Refusals and "already so" are such verdicts; a repeat is proven by the log itself.
 */
export const needsProof = ({ toAppend, verdicts }: Plan): boolean =>
  toAppend.length === 0 && verdicts.some((verdict) => verdict.kind !== 'accepted' || verdict.repeated === undefined);

function toStored(
  aggregate: AnyAggregate,
  stream: string,
  event: DomainEvent,
  index: number,
  context: CommandContext,
  { now, exclusive }: PlanOptions,
): EventToAppend {
  const { commandId, correlationId, causationId, actor, origin, traceparent, requestHash } = context;
  const metadata: EventMetadata = {
    commandId,
    correlationId,
    causationId,
    actor,
    ...(origin === undefined ? {} : { origin }),
    at: now,
    schemaVersion: aggregate.catalogue.versionOf(event.type),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(requestHash === undefined ? {} : { requestHash }),
  };
  const digest = exclusive ? '' : hash('sha1', JSON.stringify(event.data), 'base64');
  return { id: eventIdOf(commandId, stream, index, digest), type: event.type, data: event.data, metadata };
}

/** The stream after the plan was appended. */
export function committed(entry: Entry, plan: Plan, result: AppendResult, batch: readonly Sent[]): Entry {
  for (const [index, { context }] of batch.entries()) {
    const verdict = plan.verdicts[index];
    if (verdict?.kind !== 'accepted' || verdict.repeated !== undefined || verdict.events.length === 0) continue;
    const { commandId, requestHash } = context;
    noteDone(entry.done, commandId, { events: verdict.events, position: result.position, requestHash });
  }
  return {
    state: plan.state,
    revision: result.revision,
    position: result.position,
    done: entry.done,
    sinceBooks: plan.closed ? 0 : entry.sinceBooks + plan.toAppend.length,
  };
}

/** The stream after these stored events, which follow on what the entry has seen. Throws UnreadableEvent. */
export function advanced(aggregate: AnyAggregate, entry: Entry, events: readonly RecordedEvent[]): Entry {
  if (events.length === 0) return entry;
  const done = new Map(entry.done);
  let { state, revision, position, sinceBooks } = entry;
  for (const recorded of events) {
    const event = aggregate.catalogue.decode(recorded.type, recorded.metadata.schemaVersion, recorded.data);
    state = aggregate.decider.evolve(state, event);
    revision = recorded.revision;
    position = recorded.position;
    if (event.type === aggregate.books?.type) {
      sinceBooks = 0;
      continue;
    }
    sinceBooks += 1;
    const { commandId, requestHash } = recorded.metadata;
    const before = done.get(commandId)?.events ?? [];
    noteDone(done, commandId, { events: [...before, event], position: recorded.position, requestHash });
  }
  return { state, revision, position, done, sinceBooks };
}

function noteDone(done: Map<string, Done>, commandId: string, what: Done): void {
  done.set(commandId, what);
  if (done.size <= MAX_DONE_PER_STREAM) return;
  const oldest = done.keys().next();
  if (!oldest.done) done.delete(oldest.value);
}
