import type { VolumeSource } from './events.ts';
import type { GiB } from '../kernel/units.ts';

/** Statuses of a volume (contract/states.json `enums.volume`). */
export const VOLUME_STATUSES = [
  'creating',
  'available',
  'reserved',
  'attaching',
  'in-use',
  'detaching',
  'maintenance',
  'deleting',
  'error',
  'error_deleting',
  'error_managing',
  'managing',
  'error_managing_deleting',
  'unmanaging',
  'error_unmanaging',
  'reverting',
  'extending',
  'error_extending',
  'retyping',
  'downloading',
  'uploading',
  'backing-up',
  'error_backing-up',
  'restoring-backup',
  'error_restoring',
  'awaiting-transfer',
] as const;
export type VolumeStatus = (typeof VOLUME_STATUSES)[number];

export const SNAPSHOT_STATUSES = [
  'creating',
  'available',
  'error',
  'deleting',
  'error_deleting',
  'updating',
  'unmanaging',
  'backing-up',
  'restoring',
] as const;
export type SnapshotStatus = (typeof SNAPSHOT_STATUSES)[number];

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
  /** The status before an extension, restored when it is refused. */
  readonly previousStatus: VolumeStatus | null;
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
  readonly transfer: OpenTransfer | null;
  readonly pins: Readonly<Record<string, Pin>>;
  readonly owner: Owner | null;
  readonly deleted: boolean;
}

/** The state of one volume's stream. */
export interface Volume {
  /** null before the request to create it has landed. */
  readonly volume: LiveVolume | null;
  /** Operations whose charge lapsed before their request landed. */
  readonly lapsed: Readonly<Record<string, true>>;
}

export const initialVolume: Volume = { volume: null, lapsed: {} };
