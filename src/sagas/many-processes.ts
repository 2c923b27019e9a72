import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';
import { createOwnership, type Ownership } from './ownership.ts';
import { createPartitions, type Partitions, partitionOf } from './partitions.ts';
import type { OperationsLogger } from './services.ts';
import type { StorageWorkers } from './workers.ts';

/** What a process needs that drives operations beside others. */
export interface Shares {
  readonly ownership: Ownership;
  /** Null without the role `operations`. */
  readonly partitions: Partitions | null;
  /** Whether what is one for all processes is this one's to keep. */
  isKeeper(): boolean;
}

/** The runner is built on the ownership, so what concerns it is asked for and told through the two functions. */
export function createShares(deps: {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly workerId: string;
  readonly logger: OperationsLogger;
  readonly downAfterMs: number;
  readonly hasPartitions: boolean;
  /** Null without the role `storage`. */
  readonly workers: StorageWorkers | null;
  readonly isBusy: (concerns: (volumeId: string) => boolean) => boolean;
  readonly onGained: () => void;
}): Shares {
  const { hasPartitions, workers, isBusy } = deps;
  const partitions = hasPartitions
    ? createPartitions({
        ...deps,
        isBusy: (partition) => isBusy((volumeId) => partitionOf(volumeId) === partition),
      })
    : null;
  return {
    ownership: createOwnership({ workers, partitions }),
    partitions,
    isKeeper: () => partitions?.holdsFirst() ?? false,
  };
}
