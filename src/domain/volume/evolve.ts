import type { VolumeEvent, VolumeEventOf } from './events.ts';
import {
  withAttached,
  withDeletionRequested,
  withDetached,
  withExtensionEnded,
  withoutSnapshot,
  withPin,
  withReverted,
  withSnapshot,
  withSnapshotRequested,
  withTransferAccepted,
  withUnpinned,
} from './evolve-parts.ts';
import type { LiveVolume, Volume } from './state.ts';

/** The state after an event. Never throws: an event without its volume leaves the state as it is. */
export function evolve(state: Volume, event: VolumeEvent): Volume {
  switch (event.type) {
    case 'VolumeCreationRequested':
      return { ...landed(state, event), volume: requested(event.data) };
    case 'RequestLapsed':
      return { ...state, lapsed: { ...state.lapsed, [event.data.operationId]: true } };
    case 'VolumeDeletionRequested':
    case 'VolumeExtensionRequested':
    case 'VolumeRevertRequested':
    case 'SnapshotCreationRequested':
    case 'SnapshotDeletionRequested':
    case 'TransferAccepted':
      return evolveVolume(landed(state, event), event);
    default:
      return evolveVolume(state, event);
  }
}

const landed = (state: Volume, event: VolumeEvent & { readonly data: { readonly operationId: string } }): Volume => ({
  ...state,
  landed: {
    operationId: event.data.operationId,
    chargedProjectId: chargedProjectOf(event),
    before: state.landed,
  },
});

/** The project that was charged for what an event requests; null where it requests nothing that costs. */
export function chargedProjectOf(event: VolumeEvent): string | null {
  switch (event.type) {
    case 'VolumeCreationRequested':
    case 'VolumeExtensionRequested':
    case 'SnapshotCreationRequested':
      return event.data.projectId;
    case 'TransferAccepted':
      return event.data.toProjectId;
    default:
      return null;
  }
}

function evolveVolume(
  state: Volume,
  event: Exclude<VolumeEvent, { type: 'VolumeCreationRequested' | 'RequestLapsed' }>,
): Volume {
  const { volume } = state;
  if (volume === null) return state;
  return { ...state, volume: { ...volume, ...changeOf(volume, event) } };
}

/** What an event changes of the volume. */
function changeOf(
  volume: LiveVolume,
  event: Exclude<VolumeEvent, { type: 'VolumeCreationRequested' | 'RequestLapsed' }>,
): Partial<LiveVolume> {
  switch (event.type) {
    case 'VolumeCreated': {
      const { pool, availabilityZone, backendName } = event.data;
      return { pool, availabilityZone, backendName, status: 'available', owner: null };
    }
    case 'VolumeCreationFailed':
      return { status: 'error', owner: null };
    case 'VolumeDeletionRequested':
      return withDeletionRequested(volume, event.data);
    case 'VolumeDeleted':
      return {
        deleted: true,
        owner: null,
        previousStatus: null,
        snapshots: {},
        attachments: {},
        pins: {},
        transfer: null,
      };
    case 'VolumeDeletionFailed':
      return { status: event.data.status, owner: null, previousStatus: null };
    case 'VolumeExtensionRequested':
      return {
        status: 'extending',
        previousStatus: volume.status,
        extendingToGiB: event.data.toGiB,
        owner: { operationId: event.data.operationId, kind: 'extend' },
      };
    case 'VolumeExtended':
      return { ...withExtensionEnded(event.data.status), sizeGiB: event.data.toGiB };
    case 'VolumeExtensionFailed':
      return withExtensionEnded(event.data.status);
    case 'VolumeRevertRequested': {
      const owner = { operationId: event.data.operationId, kind: 'revert' } as const;
      return {
        ...withSnapshot(volume, event.data.snapshotId, { status: 'restoring', owner }),
        status: 'reverting',
        owner,
      };
    }
    case 'VolumeReverted':
      return withReverted(volume, event.data.snapshotId, 'available');
    case 'VolumeRevertFailed':
      return withReverted(volume, event.data.snapshotId, 'error');
    case 'VolumeStatusReset': {
      const { status, attachStatus, migrationStatus } = event.data;
      return {
        ...(status === undefined ? {} : { status, owner: null, previousStatus: null, extendingToGiB: null }),
        ...(attachStatus === undefined ? {} : { attachStatus }),
        ...(migrationStatus === undefined ? {} : { migrationStatus }),
      };
    }
    case 'VolumePinned':
      return withPin(volume, event.data);
    case 'VolumeUnpinned':
      return withUnpinned(volume, event.data.operationId);
    case 'VolumeUpdated': {
      const { name = volume.name, description = volume.description } = event.data;
      return { name, description };
    }
    case 'VolumeMetadataChanged':
      return { metadata: event.data.metadata };
    case 'VolumeImageMetadataChanged':
      return { imageMetadata: event.data.imageMetadata };
    case 'VolumeBootableSet':
      return { bootable: event.data.bootable };
    case 'VolumeReadonlySet':
      return { readonly: event.data.readonly };
    case 'VolumeReserved':
      return { status: 'attaching' };
    case 'VolumeUnreserved':
      return { status: event.data.status };
    case 'VolumeAttached':
      return withAttached(volume, event.data);
    case 'VolumeDetachingBegun':
      return { status: 'detaching' };
    case 'VolumeDetachingRolledBack':
      return { status: 'in-use' };
    case 'VolumeDetached':
      return withDetached(volume, event.data);
    case 'SnapshotCreationRequested':
      return withSnapshotRequested(volume, event.data);
    case 'SnapshotCreated': {
      const { snapshotId, backendName } = event.data;
      return withSnapshot(volume, snapshotId, { status: 'available', progress: '100%', backendName, owner: null });
    }
    case 'SnapshotCreationFailed':
      return withSnapshot(volume, event.data.snapshotId, { status: 'error', owner: null });
    case 'SnapshotDeletionRequested': {
      const owner = { operationId: event.data.operationId, kind: 'delete-snapshot' } as const;
      return withSnapshot(volume, event.data.snapshotId, { status: 'deleting', owner });
    }
    case 'SnapshotDeleted':
      return withoutSnapshot(volume, event.data.snapshotId);
    case 'SnapshotDeletionFailed':
    case 'SnapshotStatusReset':
      return withSnapshot(volume, event.data.snapshotId, { status: event.data.status, owner: null });
    case 'SnapshotUpdated': {
      const { snapshotId, name, description } = event.data;
      return withSnapshot(volume, snapshotId, {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
      });
    }
    case 'SnapshotMetadataChanged':
      return withSnapshot(volume, event.data.snapshotId, { metadata: event.data.metadata });
    case 'SnapshotStatusUpdated': {
      const { snapshotId, status, progress } = event.data;
      return withSnapshot(volume, snapshotId, { status, ...(progress === null ? {} : { progress }) });
    }
    case 'TransferCreated': {
      const { transferId: id, name, salt, authKeyHash, noSnapshots } = event.data;
      return { status: 'awaiting-transfer', transfer: { id, name, salt, authKeyHash, noSnapshots } };
    }
    case 'TransferAccepted':
      return withTransferAccepted(volume, event.data);
    case 'TransferDeleted':
      return { status: event.data.status, transfer: null };
    default:
      event satisfies never;
      return {};
  }
}

/** A volume that was just asked for: its operation owns it. */
function requested(data: VolumeEventOf<'VolumeCreationRequested'>['data']): LiveVolume {
  return {
    id: data.volumeId,
    projectId: data.projectId,
    userId: data.userId,
    name: data.name,
    description: data.description,
    sizeGiB: data.sizeGiB,
    volumeTypeId: data.volumeTypeId,
    extraSpecs: data.volumeType.extraSpecs,
    source: data.source,
    status: 'creating',
    previousStatus: null,
    extendingToGiB: null,
    attachStatus: 'detached',
    migrationStatus: null,
    availabilityZone: data.availabilityZone,
    pool: null,
    backendName: null,
    bootable: data.bootable,
    multiattach: data.multiattach,
    readonly: null,
    metadata: data.metadata,
    imageMetadata: data.imageMetadata,
    snapshots: {},
    snapshotsMade: 0,
    attachments: {},
    attachedMode: null,
    transfer: null,
    pins: {},
    owner: { operationId: data.operationId, kind: 'create' },
    deleted: false,
  };
}
