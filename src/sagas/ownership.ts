import { reject } from '../domain/kernel/rejection.ts';
import { StoreUnavailable } from '../ports/event-store.ts';
import { backendHostOf } from './backend.ts';
import type { Partitions } from './partitions.ts';
import type { StorageWorkers } from './workers.ts';

/** What decides whose an operation is: its volume's partition, and the pool it works on as far as that is known. */
export interface Driven {
  readonly volumeId: string;
  /** `host@backend#pool`; null before one is chosen. */
  readonly pool: string | null;
}

/**
 * Which operations this process drives (docs/decisions/0014). It asks nobody: its leases count by its own monotonic
 * clock, so that a process that was paused knows, when it goes on, that it may have a successor.
 */
export interface Ownership {
  /** Whether the next step of this operation is to be begun here. */
  drives(operation: Driven): boolean;
  /** Whether what a step begun here does may still be recorded: so as well while a partition is being handed over. */
  holds(operation: Driven): boolean;
}

/** The refusal of a command that a process sends for an operation that has another owner by now. */
export const NOT_MINE = reject('TryAgain', { reason: 'another process drives this operation now' });

/** The drive of an operation ends here, and records nothing: it is another process's now. */
export class OwnershipLost extends StoreUnavailable {
  constructor() {
    super('another process drives this operation now', 'not-done');
    this.name = 'OwnershipLost';
  }
}

/**
 * Where a pool is known, the operation is driven by whoever holds its backend. Before that, and where nobody holds the
 * backend any more, by the holder of its volume's partition.
 */
export function createOwnership(roles: {
  readonly workers: Pick<StorageWorkers, 'owns'> | null;
  readonly partitions: Pick<Partitions, 'drives' | 'holds' | 'isAbandoned'> | null;
}): Ownership {
  const { workers, partitions } = roles;
  const mine = ({ volumeId, pool }: Driven, has: 'drives' | 'holds'): boolean => {
    if (pool !== null && workers?.owns(pool) === true) return true;
    if (partitions === null || !partitions[has](volumeId)) return false;
    return pool === null || partitions.isAbandoned(backendHostOf(pool));
  };
  return { drives: (operation) => mine(operation, 'drives'), holds: (operation) => mine(operation, 'holds') };
}
