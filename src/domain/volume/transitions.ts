import { SNAPSHOT_STATUSES, type SnapshotStatus, VOLUME_STATUSES, type VolumeStatus } from './statuses.ts';

/** A status from which a command is allowed only when something else holds too. */
interface Conditional<Status> {
  readonly status: Status;
  readonly when: string;
}

/** One command: from where it is allowed and where it leads. `decide`, the tests and docs/volume-statuses.md read it. */
export interface Transition<Status extends string = string> {
  /** Its id in contract/states.json; null: Scoria's own. */
  readonly contract: string | null;
  readonly from: readonly Status[];
  readonly alsoFrom: readonly Conditional<Status>[];
  /** What it gets from any other status. */
  readonly otherwise: 'refused' | 'nothing happens';
  /** The status while its operation works; null: no operation, or the status stays. */
  readonly during: Status | null;
  /** Where it ends: a status, `unchanged`, `gone` or `as asked`. */
  readonly succeeds: readonly string[];
  readonly fails: readonly string[];
}

const transition =
  <Status extends string>() =>
  (
    contract: string | null,
    from: readonly Status[],
    rest: Partial<Omit<Transition<Status>, 'contract' | 'from'>>,
  ): Transition<Status> => ({
    contract,
    from,
    alsoFrom: [],
    otherwise: 'refused',
    during: null,
    succeeds: ['unchanged'],
    fails: [],
    ...rest,
  });

const except = (...statuses: readonly VolumeStatus[]): readonly VolumeStatus[] =>
  VOLUME_STATUSES.filter((status) => !statuses.includes(status));

/** Statuses that an operation gives and takes away: nobody else may overwrite them, except by a take-over. */
export const OPERATION_STATUSES: readonly VolumeStatus[] = [
  'creating',
  'deleting',
  'error_managing_deleting',
  'managing',
  'unmanaging',
  'extending',
  'reverting',
  'retyping',
  'downloading',
  'uploading',
  'backing-up',
  'restoring-backup',
  'maintenance',
];

/** Statuses that tell of a failure; a busy backend leads back to them. */
export const ERROR_STATUSES: readonly VolumeStatus[] = VOLUME_STATUSES.filter(
  (status) => status.startsWith('error') && status !== 'error_managing_deleting',
);

const volume = transition<VolumeStatus>();
const snapshot = transition<SnapshotStatus>();
const metadata = volume('volume.metadata', except('maintenance', 'uploading'), {});
const update = volume('volume.update', except('maintenance'), {});

const neverPlaced = 'it was never placed and no operation owns it';

/** By status of the volume (contract/states.json `transitions` and `volumeStatusMatrix`). */
export const VOLUME_TRANSITIONS = {
  /** Only into an empty stream. */
  CreateVolume: volume('volume.create', [], { during: 'creating', succeeds: ['available'], fails: ['error'] }),
  DeleteVolume: volume(
    'volume.delete',
    ['available', 'error', 'error_restoring', 'error_extending', 'error_managing'],
    {
      alsoFrom: VOLUME_STATUSES.map((status) => ({ status, when: neverPlaced })),
      during: 'deleting',
      succeeds: ['gone'],
      fails: ['available', ...ERROR_STATUSES],
    },
  ),
  ForceDeleteVolume: volume('volume.force-delete', VOLUME_STATUSES, {
    during: 'deleting',
    succeeds: ['gone'],
    fails: ['available', ...ERROR_STATUSES],
  }),
  ExtendVolume: volume('volume.extend', ['available'], {
    alsoFrom: [{ status: 'in-use', when: 'microversion 3.42 and later' }],
    during: 'extending',
    succeeds: ['available', 'in-use'],
    fails: ['available', 'in-use', 'error_extending'],
  }),
  RevertToSnapshot: volume('volume.revert', ['available'], {
    during: 'reverting',
    succeeds: ['available'],
    fails: ['error'],
  }),
  ResetVolumeStatus: volume('volume.reset-status', VOLUME_STATUSES, { succeeds: ['as asked'] }),
  UpdateVolume: update,
  SetBootable: update,
  SetVolumeMetadata: metadata,
  DeleteVolumeMetadata: metadata,
  SetImageMetadata: metadata,
  UnsetImageMetadata: metadata,
  SetReadonly: volume('volume.readonly-flag', ['available'], {}),
  ReserveVolume: volume('volume.reserve', ['available'], {
    alsoFrom: [{ status: 'in-use', when: 'multiattach volume' }],
    succeeds: ['attaching'],
  }),
  UnreserveVolume: volume('volume.unreserve', ['attaching'], {
    otherwise: 'nothing happens',
    succeeds: ['available', 'in-use'],
  }),
  AttachVolume: volume('volume.attach', except(...OPERATION_STATUSES), { succeeds: ['in-use'] }),
  BeginDetaching: volume('volume.begin-detaching', ['in-use'], { succeeds: ['detaching'] }),
  RollDetaching: volume('volume.roll-detaching', ['detaching'], { otherwise: 'nothing happens', succeeds: ['in-use'] }),
  DetachVolume: volume('volume.detach', except('maintenance'), { succeeds: ['available', 'in-use', 'unchanged'] }),
  CreateSnapshot: volume('snapshot.create', ['available'], {
    alsoFrom: [{ status: 'in-use', when: 'force=true, or microversion 3.66 and later' }],
  }),
  CreateTransfer: volume('transfer.create', ['available'], { succeeds: ['awaiting-transfer'] }),
  AcceptTransfer: volume('transfer.accept', ['awaiting-transfer'], { succeeds: ['available'] }),
  DeleteTransfer: volume('transfer.delete', VOLUME_STATUSES, { succeeds: ['available', 'unchanged'] }),
  /** The clone was accepted when its source was available or in-use; it may have moved on since, but must hold its data. */
  PinVolume: volume(
    null,
    [
      'available',
      'reserved',
      'attaching',
      'in-use',
      'detaching',
      'maintenance',
      'extending',
      'error_extending',
      'retyping',
      'uploading',
      'backing-up',
      'awaiting-transfer',
    ],
    {},
  ),
} as const satisfies Record<string, Transition<VolumeStatus>>;

/** By status of the snapshot. */
export const SNAPSHOT_TRANSITIONS = {
  DeleteSnapshot: snapshot('snapshot.delete', ['available', 'error'], {
    during: 'deleting',
    succeeds: ['gone'],
    fails: ['available', 'error', 'error_deleting'],
  }),
  ForceDeleteSnapshot: snapshot('snapshot.force-delete', SNAPSHOT_STATUSES, {
    during: 'deleting',
    succeeds: ['gone'],
    fails: ['available', 'error', 'error_deleting'],
  }),
  /** A snapshot that goes with its volume; by force from any status. */
  CascadeSnapshot: snapshot(null, ['available', 'error'], { during: 'deleting', succeeds: ['gone'] }),
  /** The snapshot that a revert goes back to. */
  RevertToSnapshot: snapshot(null, ['available'], {
    during: 'restoring',
    succeeds: ['available'],
    fails: ['available'],
  }),
  UpdateSnapshotStatus: snapshot('snapshot.update-status', ['creating', 'deleting'], { succeeds: ['as asked'] }),
  ResetSnapshotStatus: snapshot('snapshot.reset-status', SNAPSHOT_STATUSES, { succeeds: ['as asked'] }),
  /** A snapshot that moves with its volume to another project. */
  TransferSnapshot: snapshot(null, ['available'], {}),
  /** A new volume is made from it. */
  PinSnapshot: snapshot(null, ['available', 'backing-up', 'restoring'], {}),
} as const satisfies Record<string, Transition<SnapshotStatus>>;

/** What the compute service may say of a snapshot (`os-update_snapshot_status`), by the status it has. */
export const SNAPSHOT_STATUS_UPDATES: Partial<Record<SnapshotStatus, readonly SnapshotStatus[]>> = {
  creating: ['creating', 'available', 'error'],
  deleting: ['deleting', 'error_deleting'],
};

/** Statuses an administrator may set (`VolumeStatus.ALL` of the original, without `deleting`, which it refuses). */
export const RESETTABLE_STATUSES: readonly VolumeStatus[] = except(
  'deleting',
  'reverting',
  'unmanaging',
  'error_unmanaging',
  'error_managing_deleting',
);

export const MIGRATION_STATUSES = ['migrating', 'error', 'success', 'completing', 'none', 'starting'];

/** A volume is migrating while its migration status is none of these (contract/states.json `migrationStatus.idleSet`). */
const IDLE_MIGRATION_STATUSES: readonly (string | null)[] = [null, 'deleting', 'error', 'success'];

export const isMigrating = (migrationStatus: string | null): boolean =>
  !IDLE_MIGRATION_STATUSES.includes(migrationStatus);

/** Whether a command is allowed from a status; `holds`: the further condition of `alsoFrom` is met. */
export const isAllowed = <Status extends string>(of: Transition<Status>, status: Status, holds = false): boolean =>
  of.from.includes(status) || (holds && of.alsoFrom.some((also) => also.status === status));

/** `available or in-use`: the statuses a refusal names. */
export const namesOf = (statuses: readonly string[]): string => statuses.join(' or ');
