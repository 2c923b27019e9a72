import type { GiB } from '../kernel/units.ts';
import type { VolumeSource } from './events.ts';
import type { SnapshotStatus, VolumeStatus } from './statuses.ts';

export { SNAPSHOT_STATUSES, type SnapshotStatus, VOLUME_STATUSES, type VolumeStatus } from './statuses.ts';

export type AttachStatus = 'attached' | 'detached';

/** The operation that owns a resource: one at a time. */
export interface Owner {
  readonly operationId: string;
  readonly kind: 'create' | 'delete' | 'extend' | 'revert' | 'create-snapshot' | 'delete-snapshot';
}

export interface Snapshot {
  readonly id: string;
  readonly projectId: string;
  readonly userId: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly sizeGiB: GiB;
  readonly volumeTypeId: string;
  readonly status: SnapshotStatus;
  /** `null` until something was reported; `100%` when available. */
  readonly progress: string | null;
  /** Name on the backend; null until it was built there. */
  readonly backendName: string | null;
  readonly owner: Owner | null;
  /** Order of creation within the volume: the newest is the one a revert may use. */
  readonly ordinal: number;
}

export interface Attachment {
  readonly id: string;
  readonly instanceId: string | null;
  readonly hostName: string | null;
  readonly mountpoint: string;
  readonly mode: 'rw' | 'ro';
}

export interface OpenTransfer {
  readonly id: string;
  readonly name: string | null;
  readonly salt: string;
  readonly authKeyHash: string;
  readonly noSnapshots: boolean;
}

/** Somebody who reads the volume or one of its snapshots. */
export interface Pin {
  readonly operationId: string;
  readonly readerVolumeId: string;
  readonly snapshotId: string | null;
}

/** A volume that was requested at some time; `deleted` once it is gone. */
export interface LiveVolume {
  readonly id: string;
  readonly projectId: string;
  readonly userId: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly sizeGiB: GiB;
  readonly volumeTypeId: string;
  readonly extraSpecs: Readonly<Record<string, string>>;
  readonly source: VolumeSource;
  readonly status: VolumeStatus;
  /** The status before an extension or a deletion, restored when it is refused or the backend is busy. */
  readonly previousStatus: VolumeStatus | null;
  /** What an extension under way grows it to. */
  readonly extendingToGiB: GiB | null;
  readonly attachStatus: AttachStatus;
  readonly migrationStatus: string | null;
  readonly availabilityZone: string;
  /** `host@backend#pool`; null until it was built there. */
  readonly pool: string | null;
  readonly backendName: string | null;
  readonly bootable: boolean;
  readonly multiattach: boolean;
  /** null: never set by a client. */
  readonly readonly: boolean | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly imageMetadata: Readonly<Record<string, string>>;
  readonly snapshots: Readonly<Record<string, Snapshot>>;
  readonly snapshotsMade: number;
  readonly attachments: Readonly<Record<string, Attachment>>;
  /** Mode of the last attach; forgotten at the next detach. */
  readonly attachedMode: 'rw' | 'ro' | null;
  readonly transfer: OpenTransfer | null;
  readonly pins: Readonly<Record<string, Pin>>;
  readonly owner: Owner | null;
  readonly deleted: boolean;
}

/** Operations whose request is in the stream, newest first: a list that grows without being copied. */
export interface Landed {
  readonly operationId: string;
  /** Whose quota was charged for it; null: it costs nothing. */
  readonly chargedProjectId: string | null;
  readonly before: Landed | null;
}

/** The state of one volume's stream. */
export interface Volume {
  /** null before the request to create it has landed. */
  readonly volume: LiveVolume | null;
  readonly landed: Landed | null;
  /** Operations whose charge lapsed before their request landed. */
  readonly lapsed: Readonly<Record<string, true>>;
}

export const initialVolume: Volume = { volume: null, landed: null, lapsed: {} };
