import type { Document } from '../ports/read-store.ts';

/** Collection `pools`: the ledgers; what backends report of themselves lies in Coordination. `id` is `host@backend#pool`. */
export interface PoolDocument extends Document {
  readonly id: string;
  readonly volumesGiB: number;
  readonly snapshotsGiB: number;
  readonly volumes: number;
  readonly snapshots: number;
}
