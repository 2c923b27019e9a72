import type { VolumeCommand } from '../../../src/domain/volume/commands.ts';
import type { FailureReason, VolumeEvent, VolumeEventOf } from '../../../src/domain/volume/events.ts';
import { volumeDecider } from '../../../src/domain/volume/index.ts';
import type { LiveVolume, Snapshot, Volume } from '../../../src/domain/volume/state.ts';
import type { SnapshotStatus, VolumeStatus } from '../../../src/domain/volume/statuses.ts';
import { givenDecider } from '../given-when-then.ts';

/** Histories and commands of one volume, `v1` of project `p1`, for the tests of its decisions. */

export const { given } = givenDecider(volumeDecider);

type Data<Type extends VolumeEvent['type']> = VolumeEventOf<Type>['data'];
type Command<Type extends VolumeCommand['type']> = Extract<VolumeCommand, { type: Type }>;

export const POOL = 'host1@file#pool1';
export const FAILURE: FailureReason = { code: 'BackendFailed', message: 'the disk is gone' };

export const creationRequested = (
  data: Partial<Data<'VolumeCreationRequested'>> = {},
): VolumeEventOf<'VolumeCreationRequested'> => ({
  type: 'VolumeCreationRequested',
  data: {
    volumeId: 'v1',
    operationId: 'create-op',
    projectId: 'p1',
    userId: 'u1',
    name: 'data',
    description: null,
    sizeGiB: 10,
    volumeTypeId: 'type1',
    volumeType: { name: 'standard', extraSpecs: {} },
    source: { kind: 'empty' },
    availabilityZones: [],
    availabilityZone: 'nova',
    metadata: {},
    multiattach: false,
    bootable: false,
    imageMetadata: {},
    schedulerHints: {},
    ...data,
  },
});

export const BUILT = {
  operationId: 'create-op',
  pool: POOL,
  availabilityZone: 'nova',
  backendName: 'volume-v1',
  providerId: null,
  serviceUuid: 'service1',
  sharedTargets: false,
};

export const created: VolumeEvent = { type: 'VolumeCreated', data: { volumeId: 'v1', ...BUILT } };

/** A volume that is being created, and one that is there. */
export const creating = (data: Partial<Data<'VolumeCreationRequested'>> = {}): VolumeEvent[] => [
  creationRequested(data),
];
export const available = (data: Partial<Data<'VolumeCreationRequested'>> = {}): VolumeEvent[] => [
  creationRequested(data),
  created,
];

/** A volume whose creation failed before it was placed. */
export const neverPlaced: VolumeEvent[] = [
  creationRequested(),
  { type: 'VolumeCreationFailed', data: { volumeId: 'v1', operationId: 'create-op', reason: FAILURE } },
];

/** What an administrator set. */
export const reset = (data: Partial<Data<'VolumeStatusReset'>>): VolumeEvent => ({
  type: 'VolumeStatusReset',
  data: { volumeId: 'v1', takesOver: [], ...data },
});

export const statusReset = (status: VolumeStatus): VolumeEvent => reset({ status });

export const attached = (attachmentId = 'a1', data: Partial<Data<'VolumeAttached'>> = {}): VolumeEvent => ({
  type: 'VolumeAttached',
  data: {
    volumeId: 'v1',
    attachmentId,
    instanceId: `instance-${attachmentId}`,
    hostName: null,
    mountpoint: '/dev/vdb',
    mode: 'rw',
    ...data,
  },
});

export const detached = (attachmentIds: string[], status: VolumeStatus): VolumeEvent => ({
  type: 'VolumeDetached',
  data: { volumeId: 'v1', attachmentIds, status },
});

export const snapshotRequested = (
  snapshotId: string,
  data: Partial<Data<'SnapshotCreationRequested'>> = {},
): VolumeEvent => ({
  type: 'SnapshotCreationRequested',
  data: {
    volumeId: 'v1',
    snapshotId,
    operationId: `${snapshotId}-op`,
    projectId: 'p1',
    userId: 'u1',
    name: null,
    description: null,
    metadata: {},
    sizeGiB: 10,
    volumeTypeId: 'type1',
    pool: POOL,
    availabilityZone: 'nova',
    volumeBackendName: 'volume-v1',
    ...data,
  },
});

export const snapshotCreated = (snapshotId: string): VolumeEvent => ({
  type: 'SnapshotCreated',
  data: {
    volumeId: 'v1',
    snapshotId,
    operationId: `${snapshotId}-op`,
    backendName: `snapshot-${snapshotId}`,
    providerId: null,
  },
});

export const snapshot = (snapshotId: string, data: Partial<Data<'SnapshotCreationRequested'>> = {}): VolumeEvent[] => [
  snapshotRequested(snapshotId, data),
  snapshotCreated(snapshotId),
];

export const snapshotReset = (snapshotId: string, status: SnapshotStatus): VolumeEvent => ({
  type: 'SnapshotStatusReset',
  data: { volumeId: 'v1', snapshotId, status, takesOver: [] },
});

export const extensionRequested = (toGiB = 20): VolumeEvent => ({
  type: 'VolumeExtensionRequested',
  data: { volumeId: 'v1', operationId: 'extend-op', projectId: 'p1', fromGiB: 10, toGiB },
});

export const revertRequested = (snapshotId: string): VolumeEvent => ({
  type: 'VolumeRevertRequested',
  data: { volumeId: 'v1', operationId: 'revert-op', projectId: 'p1', snapshotId },
});

export const deletionRequested = (data: Partial<Data<'VolumeDeletionRequested'>> = {}): VolumeEvent => ({
  type: 'VolumeDeletionRequested',
  data: {
    volumeId: 'v1',
    operationId: 'delete-op',
    projectId: 'p1',
    cascade: false,
    force: false,
    snapshotIds: [],
    takesOver: [],
    status: 'deleting',
    ...data,
  },
});

export const snapshotDeletionRequested = (snapshotId: string): VolumeEvent => ({
  type: 'SnapshotDeletionRequested',
  data: { volumeId: 'v1', snapshotId, operationId: 'delete-snapshot-op', projectId: 'p1', force: false, takesOver: [] },
});

export const deleted: VolumeEvent = {
  type: 'VolumeDeleted',
  data: { volumeId: 'v1', operationId: 'delete-op', projectId: 'p1', sizeGiB: 10, volumeTypeId: 'type1', pool: POOL },
};

export const pinned = (snapshotId: string | null): VolumeEvent => ({
  type: 'VolumePinned',
  data: { volumeId: 'v1', operationId: 'reader-op', readerVolumeId: 'reader', snapshotId },
});

export const offered = (data: Partial<Data<'TransferCreated'>> = {}): VolumeEvent => ({
  type: 'TransferCreated',
  data: {
    volumeId: 'v1',
    transferId: 't1',
    projectId: 'p1',
    name: null,
    salt: 'salt',
    authKeyHash: 'hash',
    noSnapshots: false,
    ...data,
  },
});

/** What leads to each status; `before` is what happened to the available volume until then. */
export function inStatus(
  status: VolumeStatus,
  before: readonly VolumeEvent[] = [],
  data: Partial<Data<'VolumeCreationRequested'>> = {},
): VolumeEvent[] {
  const there = [...available(data), ...before];
  switch (status) {
    case 'creating':
      return creating(data);
    case 'available':
      return there;
    case 'attaching':
      return [...there, { type: 'VolumeReserved', data: { volumeId: 'v1' } }];
    case 'in-use':
      return [...there, attached()];
    case 'detaching':
      return [...there, attached(), { type: 'VolumeDetachingBegun', data: { volumeId: 'v1' } }];
    case 'deleting':
      return [...there, deletionRequested()];
    case 'error_deleting':
      return [
        ...there,
        deletionRequested(),
        {
          type: 'VolumeDeletionFailed',
          data: { volumeId: 'v1', operationId: 'delete-op', busy: false, reason: FAILURE, status },
        },
      ];
    case 'error_managing_deleting':
      return [...there, statusReset('error_managing'), deletionRequested({ status })];
    case 'extending':
      return [...there, extensionRequested()];
    case 'error_extending':
      return [
        ...there,
        extensionRequested(),
        {
          type: 'VolumeExtensionFailed',
          data: { volumeId: 'v1', operationId: 'extend-op', refused: false, reason: FAILURE, status },
        },
      ];
    case 'reverting':
      return [...there, ...snapshot('reverted'), revertRequested('reverted')];
    case 'awaiting-transfer':
      return [...there, offered()];
    default:
      return [...there, statusReset(status)];
  }
}

/** The live volume of a state; fails the test where there is none. */
export function liveOf(state: Volume): LiveVolume {
  if (state.volume === null) throw new Error('there is no volume');
  return state.volume;
}

export function snapshotOf(state: Volume, snapshotId: string): Snapshot {
  const found = liveOf(state).snapshots[snapshotId];
  if (found === undefined) throw new Error(`there is no snapshot ${snapshotId}`);
  return found;
}

export const deleteVolume = (command: Partial<Command<'DeleteVolume'>> = {}): Command<'DeleteVolume'> => ({
  type: 'DeleteVolume',
  operationId: 'new-op',
  cascade: false,
  force: false,
  backendFrozen: false,
  callerProjectId: 'p1',
  callerIsAdmin: false,
  ...command,
});

export const extendVolume = (command: Partial<Command<'ExtendVolume'>> = {}): Command<'ExtendVolume'> => ({
  type: 'ExtendVolume',
  operationId: 'new-op',
  newSizeGiB: 20,
  attachedAllowed: false,
  maxSizeGiB: null,
  ...command,
});

export const createSnapshot = (command: Partial<Command<'CreateSnapshot'>> = {}): Command<'CreateSnapshot'> => ({
  type: 'CreateSnapshot',
  operationId: 'new-op',
  snapshotId: 's9',
  projectId: 'p1',
  userId: 'u1',
  name: 'nightly',
  description: null,
  metadata: { by: 'cron' },
  inUseAllowed: false,
  backendFrozen: false,
  ...command,
});

export const deleteSnapshot = (command: Partial<Command<'DeleteSnapshot'>> = {}): Command<'DeleteSnapshot'> => ({
  type: 'DeleteSnapshot',
  snapshotId: 's1',
  operationId: 'new-op',
  force: false,
  backendFrozen: false,
  ...command,
});

export const attachVolume = (command: Partial<Command<'AttachVolume'>> = {}): Command<'AttachVolume'> => ({
  type: 'AttachVolume',
  attachmentId: 'a9',
  instanceId: 'instance-a9',
  hostName: null,
  mountpoint: '/dev/vdc',
  mode: 'rw',
  ...command,
});

export const createTransfer = (command: Partial<Command<'CreateTransfer'>> = {}): Command<'CreateTransfer'> => ({
  type: 'CreateTransfer',
  transferId: 't9',
  name: 'gift',
  salt: 'salt',
  authKeyHash: 'hash',
  noSnapshots: false,
  ...command,
});

export const acceptTransfer = (command: Partial<Command<'AcceptTransfer'>> = {}): Command<'AcceptTransfer'> => ({
  type: 'AcceptTransfer',
  transferId: 't1',
  operationId: 'new-op',
  authKeyHash: 'hash',
  toProjectId: 'p2',
  toUserId: 'u2',
  charged: { sizeGiB: 10, snapshotsGiB: 0, snapshots: 0 },
  ...command,
});

/** Every outcome that an operation may report of volume v1 and snapshot s1. */
export const outcomesOf = (operationId: string): VolumeCommand[] => [
  { type: 'CompleteVolumeCreation', outcome: { ...BUILT, operationId } },
  { type: 'FailVolumeCreation', operationId, reason: FAILURE },
  { type: 'CompleteVolumeDeletion', operationId },
  { type: 'FailVolumeDeletion', operationId, busy: false, reason: FAILURE },
  { type: 'CompleteVolumeExtension', operationId },
  { type: 'FailVolumeExtension', operationId, refused: true, reason: FAILURE },
  { type: 'CompleteRevert', operationId },
  { type: 'FailRevert', operationId, reason: FAILURE },
  { type: 'UnpinVolume', operationId },
  {
    type: 'CompleteSnapshotCreation',
    outcome: { snapshotId: 's1', operationId, backendName: 'snapshot-s1', providerId: null },
  },
  { type: 'FailSnapshotCreation', snapshotId: 's1', operationId, reason: FAILURE },
  { type: 'CompleteSnapshotDeletion', snapshotId: 's1', operationId },
  { type: 'FailSnapshotDeletion', snapshotId: 's1', operationId, busy: true, reason: FAILURE },
];
