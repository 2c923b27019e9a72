import type { VolumeEvent } from '../domain/volume/events.ts';

/**
 * What a user message says of a failure: action and detail as Cinder numbers and words them
 * (cinder/message/message_field.py). Deleting a volume writes none there; its numbers here lie beyond Cinder's.
 */
const ACTIONS = {
  '001': 'schedule allocate volume',
  '007': 'extend volume',
  '008': 'create volume from backend storage',
  '009': 'create snapshot',
  '010': 'delete snapshot',
  '101': 'delete volume',
} as const;

const DETAILS = {
  '001': 'An unknown error occurred.',
  '002': 'Driver is not initialized at present.',
  '003': 'Could not find any available weighted backend.',
  '010': 'Volume Driver failed to extend volume.',
  '012': 'Driver failed to create the volume.',
  '013': 'Snapshot failed to create.',
  '015': 'Snapshot is busy.',
  '016': 'Snapshot failed to delete.',
  '101': 'Volume is busy.',
  '102': 'Volume failed to delete.',
} as const;

type Action = keyof typeof ACTIONS;
type Detail = keyof typeof DETAILS;

export interface MessageText {
  readonly resourceType: 'VOLUME' | 'VOLUME_SNAPSHOT';
  readonly resourceUuid: string;
  readonly eventId: string;
  readonly userMessage: string;
}

/** The failures that users are told of. */
export type Failure = Extract<
  VolumeEvent,
  {
    type:
      | 'VolumeCreationFailed'
      | 'VolumeExtensionFailed'
      | 'VolumeDeletionFailed'
      | 'SnapshotCreationFailed'
      | 'SnapshotDeletionFailed';
  }
>;

export const isFailure = (event: { readonly type: string }): event is Failure =>
  event.type === 'VolumeCreationFailed' ||
  event.type === 'VolumeExtensionFailed' ||
  event.type === 'VolumeDeletionFailed' ||
  event.type === 'SnapshotCreationFailed' ||
  event.type === 'SnapshotDeletionFailed';

export function messageTextOf(event: Failure): MessageText {
  const { code, message } = event.data.reason;
  switch (event.type) {
    case 'VolumeCreationFailed':
      return isPlacement(code)
        ? text('VOLUME', event.data.volumeId, '001', '003', message)
        : text('VOLUME', event.data.volumeId, '008', driverDetail(code, '012'));
    case 'VolumeExtensionFailed':
      return event.data.refused
        ? text('VOLUME', event.data.volumeId, '007', '003', message)
        : text('VOLUME', event.data.volumeId, '007', driverDetail(code, '010'));
    case 'VolumeDeletionFailed':
      return text('VOLUME', event.data.volumeId, '101', event.data.busy ? '101' : driverDetail(code, '102'));
    case 'SnapshotCreationFailed':
      return text('VOLUME_SNAPSHOT', event.data.snapshotId, '009', driverDetail(code, '013'));
    case 'SnapshotDeletionFailed':
      return text('VOLUME_SNAPSHOT', event.data.snapshotId, '010', event.data.busy ? '015' : driverDetail(code, '016'));
  }
}

const PLACEMENT_CODES: ReadonlySet<string> = new Set(['NoValidBackend', 'PoolCapacityExceeded', 'PoolGone']);
const NO_DRIVER_CODES: ReadonlySet<string> = new Set(['DriverNotInitialized', 'BackendUnavailable']);

const isPlacement = (code: string): boolean => PLACEMENT_CODES.has(code);

const driverDetail = (code: string, otherwise: Detail): Detail => (NO_DRIVER_CODES.has(code) ? '002' : otherwise);

/** `reason` is told only of placements: what a driver says may name things that are no user's business. */
function text(
  resourceType: MessageText['resourceType'],
  resourceUuid: string,
  action: Action,
  detail: Detail,
  reason?: string,
): MessageText {
  const sentence = `${ACTIONS[action]}:${DETAILS[detail]}`;
  return {
    resourceType,
    resourceUuid,
    eventId: `VOLUME_${resourceType}_${action}_${detail}`,
    userMessage: reason === undefined ? sentence : `${sentence} ${reason}`,
  };
}
