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
