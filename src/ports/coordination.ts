import type { Instant } from '../domain/kernel/units.ts';
import type { Checkpoint } from './read-store.ts';

/** The right to act on something, until it is lost. `token` only ever grows for one resource. */
export interface Lease {
  readonly resource: string;
  readonly holder: string;
  readonly token: bigint;
}

/** A sign of life of one service; `report` is what it says of itself (state, capacity). */
export interface Heartbeat {
  readonly service: string;
  readonly beat: number;
  readonly at: Instant;
  readonly report: Readonly<Record<string, unknown>>;
}

/**
 * Something unfinished that must be looked at by `dueAt`: an operation, a charge whose request may not have landed, or a
 * rebuild of read models that another process asked for.
 */
export interface OpenWork {
  readonly kind: 'operation' | 'charge' | 'rebuild';
  readonly id: string;
  readonly dueAt: Instant;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Leases, heartbeats, unfinished work and feed positions: not events, but not disposable either. */
export interface Coordination {
  /**
   * Takes the lease when it is free, or when its holder has not renewed it for a full `termMs` of the challenger's own
   * monotonic clock (the first call only starts that watch). Null when somebody else holds it. A holder that asks again
   * gets a new token, which ends its former lease: what it did before, perhaps in a process that died, is fenced off.
   */
  acquire(resource: string, holder: string, termMs: number): Promise<Lease | null>;
  /** False when the lease is no longer this holder's: stop at once. */
  renew(lease: Lease): Promise<boolean>;
  release(lease: Lease): Promise<void>;
  /** Frees every lease: only for the one process that holds the lock of an embedded data directory. */
  releaseAll(): Promise<void>;
  beat(service: string, at: Instant, report: Readonly<Record<string, unknown>>): Promise<void>;
  heartbeats(): Promise<readonly Heartbeat[]>;
  /** A service that will not beat again: it is not among the heartbeats any more. */
  forget(service: string): Promise<void>;
  /** Adds or replaces unfinished work. */
  putWork(work: readonly OpenWork[]): Promise<void>;
  removeWork(kind: OpenWork['kind'], ids: readonly string[]): Promise<void>;
  listWork(kind: OpenWork['kind']): Promise<readonly OpenWork[]>;
  /** How far a feed has come (the operations runner's: everything before is started). */
  feedCheckpoint(feed: string): Promise<Checkpoint | null>;
  saveFeedCheckpoint(feed: string, checkpoint: Checkpoint): Promise<void>;
  close(): Promise<void>;
}
