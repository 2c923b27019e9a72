import type { DomainEvent, EventMetadata } from '../domain/kernel/event.ts';
import type { Instant } from '../domain/kernel/units.ts';

/** Place of an event in the total order of the log; grows, with gaps allowed. */
export type Position = bigint;

/** An event on its way into a stream. `id` is a UUID: an append that is retried byte for byte deduplicates on it. */
export interface EventToAppend extends DomainEvent {
  readonly id: string;
  readonly metadata: EventMetadata;
}

/** An event as stored. `revision` counts from 0 within its stream; `recordedAt` never goes back along the log. */
export interface RecordedEvent extends EventToAppend {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: Position;
  readonly recordedAt: Instant;
  /** The data as JSON text, for whoever writes it again: where the log keeps it, from subscriptions and who asks for it. */
  readonly dataText?: string;
}

export type ExpectedRevision = bigint | 'no-stream';

export interface AppendResult {
  /** Revision of the last event appended. */
  readonly revision: bigint;
  /** Position of the last event appended. */
  readonly position: Position;
}

/** Which streams a reader wants: names that begin with one of these prefixes; none of them wants nothing. */
export interface StreamFilter {
  readonly prefixes: readonly string[];
}

export interface ReadStreamOptions {
  /** First revision to read; without it the first event (forwards) or the last (backwards). */
  readonly from?: bigint;
  readonly direction?: 'forwards' | 'backwards';
  readonly limit?: number;
}

export interface ReadAllOptions {
  /** Exclusive: reads what lies behind this position in the chosen direction. */
  readonly after?: Position;
  readonly direction?: 'forwards' | 'backwards';
  readonly limit?: number;
  readonly streams?: StreamFilter;
  /** Events come with `dataText`, where the log keeps it. */
  readonly withText?: boolean;
}

export interface SubscribeOptions {
  /** Exclusive; null starts with the first event of the log. */
  readonly after: Position | null;
  readonly streams?: StreamFilter;
  readonly signal: AbortSignal;
}

/** Told by a subscription whenever it has delivered all there is: `position` is the end of the log it has seen. */
export interface CaughtUp {
  readonly kind: 'caught-up';
  readonly position: Position | null;
}

export type Delivery = { readonly kind: 'event'; readonly event: RecordedEvent } | CaughtUp;

/** The stream is not at the revision the writer expected: load again, decide again. */
export class RevisionConflict extends Error {
  readonly stream: string;
  readonly expected: ExpectedRevision;

  constructor(stream: string, expected: ExpectedRevision) {
    super(`stream ${stream} is not at the expected revision (${expected})`);
    this.name = 'RevisionConflict';
    this.stream = stream;
    this.expected = expected;
  }
}

/**
 * A store cannot answer now. `outcome` says whether a write may have happened: after `unknown` the same events
 * are appended again, byte for byte. `retryAfterMs` is a hint for the client.
 */
export class StoreUnavailable extends Error {
  readonly outcome: 'not-done' | 'unknown';
  readonly retryAfterMs: number;

  constructor(message: string, outcome: 'not-done' | 'unknown', retryAfterMs = 1000, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreUnavailable';
    this.outcome = outcome;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The log: streams of events in one total order. */
export interface EventStore {
  /**
   * Appends all events or none. Resolves only once they are durable. The same events (by id) appended again at the
   * same expected revision resolve to the first result. Throws RevisionConflict or StoreUnavailable.
   */
  append(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<AppendResult>;
  /** A stream that does not exist yields nothing. */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent>;
  readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent>;
  /** Delivers in total order for ever, until the signal aborts (then it ends without an error). */
  subscribe(options: SubscribeOptions): AsyncIterable<Delivery>;
  /** Position of the last event of the log, null when it is empty. */
  head(): Promise<Position | null>;
  /** The first position whose event was recorded after `at` lies behind the returned one; null when there is none. */
  positionAt(at: Instant): Promise<Position | null>;
  close(): Promise<void>;
}
