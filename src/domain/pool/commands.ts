import type { GiB } from '../kernel/units.ts';
import type { PoolReport } from '../placement/pool-report.ts';
import type { Allocation } from './events.ts';

/** Sent only by the worker that holds the lease of the pool's backend: a pool ledger has one writer. */
export type PoolCommand =
  | {
      readonly type: 'ClaimCapacity';
      readonly operationId: string;
      readonly resourceId: string;
      readonly kind: Allocation['kind'];
      readonly sizeGiB: GiB;
      /** Extra spec `provisioning:type` of the volume's type, where it has one. */
      readonly provisioningType: string | null;
      readonly report: PoolReport;
    }
  | { readonly type: 'SettleClaim'; readonly pool: string; readonly operationId: string }
  /** `claim`: whatever the operation's open claim holds; otherwise what a deletion freed. */
  | {
      readonly type: 'ReturnCapacity';
      readonly pool: string;
      readonly operationId: string;
      readonly freed:
        | 'claim'
        | {
            readonly volumesGiB: GiB;
            readonly snapshotsGiB: GiB;
            readonly volumes: number;
            readonly snapshots: number;
          };
      readonly reason: string;
    };
