import type { Document } from '../ports/read-store.ts';

/** Collection `snapshots`: live snapshots as the API shows them. */
export interface SnapshotDocument extends Document {
  readonly id: string;
  readonly volumeId: string;
  readonly projectId: string;
  readonly userId: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly sizeGiB: number;
  readonly status: string;
  readonly progress: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly volumeTypeId: string;
  readonly availabilityZone: string | null;
  readonly consumesQuota: boolean;
  readonly groupSnapshotId: null;
  readonly createdAt: number;
  readonly updatedAt: number | null;
  readonly operationId: string | null;
}
