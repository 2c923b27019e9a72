import type { CommandHandler } from '../commands/handle.ts';
import type { Started } from '../domain/operation/index.ts';
import type { PoolReport } from '../domain/placement/pool-report.ts';
import type { CallContext, StorageDriver } from '../drivers/storage/driver.ts';
import type { Clock } from '../ports/clock.ts';
import type { Placement } from './place.ts';

/** Where operations report what an operator should see. */
export interface OperationsLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A backend whose lease this process holds. */
export interface BackendWorker {
  /** `host@backend`. */
  readonly host: string;
  readonly driver: StorageDriver;
  readonly serviceUuid: string;
  readonly availabilityZone: string;
  /** What a driver call carries: it ends with the signal, and fails once the lease is another's. */
  call(signal: AbortSignal): CallContext;
  /** The pool as it stands now: the last measurement beside the ledger. Null for a pool the backend does not have. */
  report(pool: string): Promise<PoolReport | null>;
}

/** The backends of this process by pool. */
export interface Backends {
  /** Null while no worker here holds the backend's lease. */
  forPool(pool: string): BackendWorker | null;
}

/** Operations of one volume, its snapshots and transfers that this process knows of and that have not ended. */
export interface OpenOperations {
  of(volumeId: string): readonly Started[];
}

/** What the steps of operations work with. */
export interface OperationServices {
  readonly handler: CommandHandler;
  readonly clock: Clock;
  readonly backends: Backends;
  readonly placement: Placement;
  readonly openOperations: OpenOperations;
}
