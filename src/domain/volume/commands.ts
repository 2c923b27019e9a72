import type { GiB } from '../kernel/units.ts';
import type { FailureReason, VolumeEventOf } from './events.ts';

/** Commands that the API sends; what they need to know of other streams (the type, the frozen backend) is in them. */
export type VolumeCommand =
  // lifecycle
  | { readonly type: 'CreateVolume'; readonly request: VolumeEventOf<'VolumeCreationRequested'>['data'] }
  | {
      readonly type: 'DeleteVolume';
      readonly operationId: string;
      readonly cascade: boolean;
      readonly force: boolean;
      readonly backendFrozen: boolean;
      /** The caller's project; administrators may cascade over snapshots of other projects. */
      readonly callerProjectId: string;
      readonly callerIsAdmin: boolean;
    }
  | {
      readonly type: 'ExtendVolume';
      readonly operationId: string;
      readonly newSizeGiB: GiB;
      /** From microversion 3.42 an attached volume may grow. */
      readonly attachedAllowed: boolean;
      /** The type's `provisioning:max_vol_size`, null when it has none. */
      readonly maxSizeGiB: GiB | null;
    }
  | { readonly type: 'RevertToSnapshot'; readonly operationId: string; readonly snapshotId: string }
  | {
      readonly type: 'ResetVolumeStatus';
      readonly status?: string;
      readonly attachStatus?: string;
      readonly migrationStatus?: string;
    }
  | { readonly type: 'LapseRequest'; readonly operationId: string }
  // outcomes, sent by operations: accepted without events when the operation is not (or no longer) the owner
  | {
      readonly type: 'CompleteVolumeCreation';
      readonly outcome: Omit<VolumeEventOf<'VolumeCreated'>['data'], 'volumeId'>;
    }
  | { readonly type: 'FailVolumeCreation'; readonly operationId: string; readonly reason: FailureReason }
  | { readonly type: 'CompleteVolumeDeletion'; readonly operationId: string }
  | {
      readonly type: 'FailVolumeDeletion';
      readonly operationId: string;
      readonly busy: boolean;
      readonly reason: FailureReason;
      /** Snapshots that were to go with it, and that the backend has no more: they are gone, whatever becomes of it. */
      readonly goneSnapshotIds?: readonly string[];
    }
  | { readonly type: 'CompleteVolumeExtension'; readonly operationId: string }
  | {
      readonly type: 'FailVolumeExtension';
      readonly operationId: string;
      readonly refused: boolean;
      readonly reason: FailureReason;
    }
  | { readonly type: 'CompleteRevert'; readonly operationId: string }
  | { readonly type: 'FailRevert'; readonly operationId: string; readonly reason: FailureReason }
  | {
      readonly type: 'PinVolume';
      readonly operationId: string;
      readonly readerVolumeId: string;
      readonly snapshotId: string | null;
    }
  /** `isUndo`: the pin may still be on its way, sent by a former owner of the operation. */
  | { readonly type: 'UnpinVolume'; readonly operationId: string; readonly isUndo?: boolean }
  // metadata
  | {
      readonly type: 'UpdateVolume';
      readonly name?: string | null;
      readonly description?: string | null;
      readonly metadata?: Readonly<Record<string, string>>;
    }
  | {
      readonly type: 'SetVolumeMetadata';
      readonly metadata: Readonly<Record<string, string>>;
      readonly replace: boolean;
    }
  | { readonly type: 'DeleteVolumeMetadata'; readonly key: string }
  | { readonly type: 'SetImageMetadata'; readonly metadata: Readonly<Record<string, string>> }
  | { readonly type: 'UnsetImageMetadata'; readonly key: string }
  | { readonly type: 'SetBootable'; readonly bootable: boolean }
  | { readonly type: 'SetReadonly'; readonly readonly: boolean }
  // attachments
  | { readonly type: 'ReserveVolume' }
  | { readonly type: 'UnreserveVolume' }
  | {
      readonly type: 'AttachVolume';
      readonly attachmentId: string;
      readonly instanceId: string | null;
      readonly hostName: string | null;
      readonly mountpoint: string;
      readonly mode: 'rw' | 'ro';
    }
  | { readonly type: 'BeginDetaching' }
  | { readonly type: 'RollDetaching' }
  | { readonly type: 'DetachVolume'; readonly attachmentId: string | null }
  // snapshots
  | {
      readonly type: 'CreateSnapshot';
      readonly operationId: string;
      readonly snapshotId: string;
      readonly projectId: string;
      readonly userId: string;
      readonly name: string | null;
      readonly description: string | null;
      readonly metadata: Readonly<Record<string, string>>;
      /** `force`, or microversion 3.66 and later: an attached volume may be snapshotted. */
      readonly inUseAllowed: boolean;
      readonly backendFrozen: boolean;
    }
  | {
      readonly type: 'CompleteSnapshotCreation';
      readonly outcome: Omit<VolumeEventOf<'SnapshotCreated'>['data'], 'volumeId'>;
    }
  | {
      readonly type: 'FailSnapshotCreation';
      readonly snapshotId: string;
      readonly operationId: string;
      readonly reason: FailureReason;
    }
  | {
      readonly type: 'DeleteSnapshot';
      readonly snapshotId: string;
      readonly operationId: string;
      readonly force: boolean;
      readonly backendFrozen: boolean;
    }
  | { readonly type: 'CompleteSnapshotDeletion'; readonly snapshotId: string; readonly operationId: string }
  | {
      readonly type: 'FailSnapshotDeletion';
      readonly snapshotId: string;
      readonly operationId: string;
      readonly busy: boolean;
      readonly reason: FailureReason;
    }
  | {
      readonly type: 'UpdateSnapshot';
      readonly snapshotId: string;
      readonly name?: string | null;
      readonly description?: string | null;
    }
  | {
      readonly type: 'SetSnapshotMetadata';
      readonly snapshotId: string;
      readonly metadata: Readonly<Record<string, string>>;
      readonly replace: boolean;
    }
  | { readonly type: 'DeleteSnapshotMetadata'; readonly snapshotId: string; readonly key: string }
  | { readonly type: 'ResetSnapshotStatus'; readonly snapshotId: string; readonly status: string }
  | {
      readonly type: 'UpdateSnapshotStatus';
      readonly snapshotId: string;
      readonly status: string;
      readonly progress: string | null;
    }
  // transfers
  | {
      readonly type: 'CreateTransfer';
      readonly transferId: string;
      readonly name: string | null;
      readonly salt: string;
      readonly authKeyHash: string;
      readonly noSnapshots: boolean;
    }
  | {
      readonly type: 'AcceptTransfer';
      readonly transferId: string;
      readonly operationId: string;
      /** Hash of the key that the acceptor showed, made with the transfer's salt. */
      readonly authKeyHash: string;
      readonly toProjectId: string;
      readonly toUserId: string;
      /** What the acceptor was charged for; refused when the volume has changed since. */
      readonly charged: { readonly sizeGiB: GiB; readonly snapshotsGiB: GiB; readonly snapshots: number };
    }
  | { readonly type: 'DeleteTransfer'; readonly transferId: string };
