import type { Document } from '../ports/read-store.ts';

/** Collection `volumes`: live volumes as the API shows them. Times are epoch milliseconds. */
export interface VolumeDocument extends Document {
  readonly id: string;
  readonly projectId: string;
  readonly userId: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly sizeGiB: number;
  readonly status: string;
  readonly previousStatus: string | null;
  readonly attachStatus: string;
  readonly migrationStatus: string | null;
  readonly availabilityZone: string;
  /** `host@backend#pool`, null until placed. */
  readonly host: string | null;
  readonly volumeTypeId: string;
  readonly snapshotId: string | null;
  readonly sourceVolumeId: string | null;
  readonly bootable: boolean;
  readonly multiattach: boolean;
  readonly consumesQuota: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  /** `readonly` ("True"/"False") and `attached_mode`, shown among the metadata to everybody on show, list and update. */
  readonly adminMetadata: Readonly<Record<string, string>>;
  readonly imageMetadata: Readonly<Record<string, string>>;
  readonly attachments: readonly {
    readonly id: string;
    readonly instanceId: string | null;
    readonly hostName: string | null;
    readonly mountpoint: string;
    readonly attachedAt: number;
  }[];
  readonly providerId: string | null;
  readonly serviceUuid: string | null;
  readonly sharedTargets: boolean | null;
  readonly groupId: null;
  readonly createdAt: number;
  readonly updatedAt: number | null;
  readonly launchedAt: number | null;
  /** Operation that owns it now. */
  readonly operationId: string | null;
}
