import fc from 'fast-check';
import { deriveId } from '../../src/domain/kernel/ids.ts';
import type { VolumeCommand } from '../../src/domain/volume/commands.ts';
import type { VolumeEvent } from '../../src/domain/volume/events.ts';
import { volumeDecider } from '../../src/domain/volume/index.ts';
import type { Owner, Volume } from '../../src/domain/volume/state.ts';

const FAILURE = { code: 'BackendFailed', message: 'the disk is gone' };

/** What may be asked of a volume next; `n` makes its ids. */
type Choice = (state: Volume, n: number, volumeId: string) => VolumeCommand | null;

const owned = (state: Volume, kind: Owner['kind']): string | null =>
  state.volume?.owner?.kind === kind ? state.volume.owner.operationId : null;

const pick = <T>(items: readonly T[], n: number): T | null => items[n % Math.max(items.length, 1)] ?? null;

const someSnapshot = (state: Volume, n: number) => pick(Object.values(state.volume?.snapshots ?? {}), n);

const ofOwner =
  (kind: Owner['kind'], command: (operationId: string) => VolumeCommand): Choice =>
  (state) => {
    const operationId = owned(state, kind);
    return operationId === null ? null : command(operationId);
  };

const ofSnapshot =
  (command: (snapshotId: string, operationId: string) => VolumeCommand): Choice =>
  (state, n) => {
    const snapshot = someSnapshot(state, n);
    return snapshot === null ? null : command(snapshot.id, snapshot.owner?.operationId ?? `op-${n}`);
  };

const CHOICES: readonly Choice[] = [
  ofOwner('create', (operationId) => ({
    type: 'CompleteVolumeCreation',
    outcome: {
      operationId,
      pool: 'host1@file#pool1',
      availabilityZone: 'nova',
      backendName: 'volume-v1',
      providerId: null,
      serviceUuid: 'service1',
      sharedTargets: false,
    },
  })),
  ofOwner('create', (operationId) => ({ type: 'FailVolumeCreation', operationId, reason: FAILURE })),
  ofOwner('delete', (operationId) => ({ type: 'CompleteVolumeDeletion', operationId })),
  ofOwner('delete', (operationId) => ({ type: 'FailVolumeDeletion', operationId, busy: true, reason: FAILURE })),
  ofOwner('delete', (operationId) => ({ type: 'FailVolumeDeletion', operationId, busy: false, reason: FAILURE })),
  ofOwner('extend', (operationId) => ({ type: 'CompleteVolumeExtension', operationId })),
  ofOwner('extend', (operationId) => ({ type: 'FailVolumeExtension', operationId, refused: true, reason: FAILURE })),
  ofOwner('extend', (operationId) => ({ type: 'FailVolumeExtension', operationId, refused: false, reason: FAILURE })),
  ofOwner('revert', (operationId) => ({ type: 'CompleteRevert', operationId })),
  ofOwner('revert', (operationId) => ({ type: 'FailRevert', operationId, reason: FAILURE })),
  (_, n) => ({
    type: 'DeleteVolume',
    operationId: `op-${n}`,
    cascade: n % 2 === 0,
    force: n % 3 === 0,
    backendFrozen: false,
    callerProjectId: 'p1',
    callerIsAdmin: true,
  }),
  (state, n) => ({
    type: 'ExtendVolume',
    operationId: `op-${n}`,
    newSizeGiB: (state.volume?.sizeGiB ?? 1) + 1,
    attachedAllowed: true,
    maxSizeGiB: null,
  }),
  ofSnapshot((snapshotId) => ({ type: 'RevertToSnapshot', operationId: `revert-${snapshotId}`, snapshotId })),
  (_, n) => ({ type: 'ResetVolumeStatus', status: n % 2 === 0 ? 'available' : 'error' }),
  () => ({ type: 'ResetVolumeStatus', attachStatus: 'detached' }),
  () => ({ type: 'ResetVolumeStatus', migrationStatus: 'error' }),
  (_, n) => ({ type: 'UpdateVolume', name: `name-${n}`, ...(n % 2 === 0 ? { description: `text-${n}` } : {}) }),
  (_, n) => ({ type: 'SetVolumeMetadata', metadata: { [`key-${n % 3}`]: `value-${n}` }, replace: n % 2 === 0 }),
  (_, n) => ({ type: 'DeleteVolumeMetadata', key: `key-${n % 3}` }),
  (_, n) => ({ type: 'SetImageMetadata', metadata: { [`key-${n % 3}`]: `value-${n}` } }),
  (_, n) => ({ type: 'SetBootable', bootable: n % 2 === 0 }),
  (_, n) => ({ type: 'SetReadonly', readonly: n % 2 === 0 }),
  () => ({ type: 'ReserveVolume' }),
  () => ({ type: 'UnreserveVolume' }),
  (_, n) => ({
    type: 'AttachVolume',
    attachmentId: `a-${n}`,
    instanceId: `instance-${n}`,
    hostName: null,
    mountpoint: '/dev/vdb',
    mode: n % 2 === 0 ? 'rw' : 'ro',
  }),
  () => ({ type: 'BeginDetaching' }),
  () => ({ type: 'RollDetaching' }),
  (state, n) => ({ type: 'DetachVolume', attachmentId: pick(Object.keys(state.volume?.attachments ?? {}), n) }),
  (_, n, volumeId) => ({
    type: 'CreateSnapshot',
    operationId: `op-${n}`,
    snapshotId: deriveId(volumeId, 'snapshot', n),
    projectId: 'p1',
    userId: 'u1',
    name: `snapshot-${n}`,
    description: null,
    metadata: {},
    inUseAllowed: true,
    backendFrozen: false,
  }),
  ofSnapshot((snapshotId, operationId) => ({
    type: 'CompleteSnapshotCreation',
    outcome: { snapshotId, operationId, backendName: `snapshot-${snapshotId}`, providerId: null },
  })),
  ofSnapshot((snapshotId, operationId) => ({ type: 'FailSnapshotCreation', snapshotId, operationId, reason: FAILURE })),
  ofSnapshot((snapshotId) => ({
    type: 'DeleteSnapshot',
    snapshotId,
    operationId: `delete-${snapshotId}`,
    force: true,
    backendFrozen: false,
  })),
  ofSnapshot((snapshotId, operationId) => ({ type: 'CompleteSnapshotDeletion', snapshotId, operationId })),
  ofSnapshot((snapshotId, operationId) => ({
    type: 'FailSnapshotDeletion',
    snapshotId,
    operationId,
    busy: false,
    reason: FAILURE,
  })),
  ofSnapshot((snapshotId) => ({ type: 'UpdateSnapshot', snapshotId, description: 'new' })),
  ofSnapshot((snapshotId) => ({ type: 'SetSnapshotMetadata', snapshotId, metadata: { a: 'b' }, replace: true })),
  ofSnapshot((snapshotId) => ({ type: 'ResetSnapshotStatus', snapshotId, status: 'available' })),
  ofSnapshot((snapshotId) => ({ type: 'UpdateSnapshotStatus', snapshotId, status: 'creating', progress: '50%' })),
  (_, n, volumeId) => ({
    type: 'CreateTransfer',
    transferId: deriveId(volumeId, 'transfer', n),
    name: null,
    salt: 'salt',
    authKeyHash: 'hash',
    noSnapshots: n % 2 === 0,
  }),
  (state, n) => {
    const { volume } = state;
    if (volume === null || volume.transfer === null) return null;
    const moving = volume.transfer.noSnapshots
      ? []
      : Object.values(volume.snapshots).filter(({ projectId }) => projectId === volume.projectId);
    return {
      type: 'AcceptTransfer',
      transferId: volume.transfer.id,
      operationId: `op-${n}`,
      authKeyHash: 'hash',
      toProjectId: 'p2',
      toUserId: 'u2',
      charged: {
        sizeGiB: volume.sizeGiB,
        snapshotsGiB: moving.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0),
        snapshots: moving.length,
      },
    };
  },
  (state) => (state.volume?.transfer ? { type: 'DeleteTransfer', transferId: state.volume.transfer.id } : null),
];

/** One step of a volume's life: which of the commands that would change something now, and a number for its ids. */
export type Step = readonly [choice: number, n: number];

export const stepsArbitrary: fc.Arbitrary<readonly Step[]> = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 1_000 })), {
  minLength: 1,
  maxLength: 60,
  size: 'max',
});

const requested = (volumeId: string): VolumeEvent => ({
  type: 'VolumeCreationRequested',
  data: {
    volumeId,
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
    multiattach: true,
    bootable: false,
    imageMetadata: {},
    schedulerHints: {},
  },
});

/** A volume's life as its rules allow it: each event with the state it leads to. */
export function lifeOf(
  volumeId: string,
  steps: readonly Step[],
): { readonly event: VolumeEvent; readonly state: Volume }[] {
  const life: { event: VolumeEvent; state: Volume }[] = [];
  let state = volumeDecider.initial;
  const take = (event: VolumeEvent): void => {
    state = volumeDecider.evolve(state, event);
    life.push({ event, state });
  };
  take(requested(volumeId));
  for (const [choice, n] of steps) {
    const possible = CHOICES.map((choose) => choose(state, n, volumeId)).flatMap((command) => {
      const decision = command === null ? null : volumeDecider.decide(command, state, 0);
      return decision?.kind === 'accepted' && decision.events.length > 0 ? [decision.events] : [];
    });
    for (const event of pick(possible, choice) ?? []) take(event);
  }
  return life;
}
