/**
 * The catalogue of refusals. A refusal is a value: a code, a sentence for people and details for programs.
 * `kind` says what sort of answer it is; `api/faults.ts` alone knows the HTTP status of each kind.
 * Texts follow contract/errors.md §3 and §7.
 */
export type RejectionKind =
  | 'invalid'
  | 'not-found'
  | 'conflict'
  | 'changed'
  | 'forbidden'
  | 'over-quota'
  | 'unavailable';

type Details = Readonly<Record<string, unknown>>;

interface RejectionEntry {
  readonly kind: RejectionKind;
  readonly message: (details: Details) => string;
}

const text = (details: Details, key: string): string => String(details[key]);

const entry = (kind: RejectionKind, message: (details: Details) => string): RejectionEntry => ({ kind, message });

export const REJECTIONS = {
  InvalidInput: entry('invalid', (d) => `Invalid input received: ${text(d, 'reason')}`),
  InvalidVolume: entry('invalid', (d) => `Invalid volume: ${text(d, 'reason')}`),
  InvalidSnapshot: entry('invalid', (d) => `Invalid snapshot: ${text(d, 'reason')}`),
  InvalidVolumeAttachMode: entry(
    'invalid',
    (d) => `Invalid attaching mode '${text(d, 'mode')}' for volume ${text(d, 'id')}.`,
  ),
  InvalidAuthKey: entry('invalid', (d) => `Invalid auth key: ${text(d, 'reason')}`),
  InvalidAvailabilityZone: entry('invalid', (d) => `Availability zone '${text(d, 'zone')}' is invalid.`),
  InvalidTypeAvailabilityZones: entry(
    'invalid',
    (d) => `Volume type is only supported in these availability zones: ${text(d, 'zones')}`,
  ),
  InvalidVolumeType: entry('invalid', (d) => `Invalid volume type: ${text(d, 'reason')}`),
  InvalidQuota: entry('invalid', (d) => text(d, 'reason')),
  InvalidHost: entry('invalid', (d) => `Invalid host: ${text(d, 'reason')}`),
  /** 409 in the API where the original says so: revert in a wrong state, duplicate names. */
  Conflict: entry('conflict', (d) => text(d, 'reason')),
  VolumeTypeExists: entry('conflict', (d) => `Volume Type ${text(d, 'name')} already exists.`),
  VolumeTypeInUse: entry(
    'invalid',
    (d) => `Volume Type ${text(d, 'id')} deletion is not allowed with volumes present with the type.`,
  ),
  VolumeTypeIsDefault: entry(
    'invalid',
    (d) => `The volume type ${text(d, 'id')} is a default volume type and cannot be deleted.`,
  ),
  IdempotencyKeyReused: entry('conflict', () => 'Idempotency-Key was already used with a different request.'),
  RequestLapsed: entry('conflict', (d) => `Request ${text(d, 'operationId')} has lapsed; send it again.`),
  VolumeNotFound: entry('not-found', (d) => `Volume ${text(d, 'id')} could not be found.`),
  SnapshotNotFound: entry('not-found', (d) => `Snapshot ${text(d, 'id')} could not be found.`),
  TransferNotFound: entry('not-found', (d) => `Transfer ${text(d, 'id')} could not be found.`),
  VolumeTypeNotFound: entry('not-found', (d) => `Volume type ${text(d, 'id')} could not be found.`),
  VolumeTypeExtraSpecNotFound: entry(
    'not-found',
    (d) => `Volume Type ${text(d, 'id')} has no extra specs with key ${text(d, 'key')}.`,
  ),
  VolumeMetadataNotFound: entry(
    'not-found',
    (d) => `Volume ${text(d, 'id')} has no metadata with key ${text(d, 'key')}.`,
  ),
  SnapshotMetadataNotFound: entry(
    'not-found',
    (d) => `Snapshot ${text(d, 'id')} has no metadata with key ${text(d, 'key')}.`,
  ),
  GlanceMetadataNotFound: entry(
    'not-found',
    (d) => `Glance metadata for volume/snapshot ${text(d, 'id')} with key ${text(d, 'key')} cannot be found.`,
  ),
  ServiceNotFound: entry('not-found', (d) => `Service ${text(d, 'id')} could not be found.`),
  HostNotFound: entry('not-found', (d) => `Host ${text(d, 'id')} could not be found.`),
  MessageNotFound: entry('not-found', (d) => `Message ${text(d, 'id')} could not be found.`),
  OperationNotFound: entry('not-found', (d) => `Operation ${text(d, 'id')} could not be found.`),
  OperationNotParked: entry(
    'conflict',
    (d) => `Operation ${text(d, 'id')} cannot be ${text(d, 'action')}: it is ${text(d, 'status')}.`,
  ),
  /** The metadata is no longer what the client has seen (`If-Match`). */
  MetadataChanged: entry('changed', (d) => `The metadata of volume ${text(d, 'id')} has changed.`),
  Forbidden: entry('forbidden', (d) => `Policy doesn't allow ${text(d, 'rule')} to be performed.`),
  VolumeLimitExceeded: entry(
    'over-quota',
    (d) =>
      `VolumeLimitExceeded: Maximum number of volumes allowed (${text(d, 'limit')}) exceeded for quota '${text(d, 'resource')}'.`,
  ),
  SnapshotLimitExceeded: entry(
    'over-quota',
    (d) => `SnapshotLimitExceeded: Maximum number of snapshots allowed (${text(d, 'limit')}) exceeded`,
  ),
  VolumeSizeExceedsAvailableQuota: entry(
    'over-quota',
    (d) =>
      `VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed ${text(d, 'resource')} quota. ` +
      `Requested ${text(d, 'requested')}G, quota is ${text(d, 'limit')}G and ${text(d, 'consumed')}G has been consumed.`,
  ),
  VolumeSizeExceedsLimit: entry(
    'over-quota',
    (d) =>
      `VolumeSizeExceedsLimit: Requested volume size ${text(d, 'requested')}G is larger than maximum allowed limit ${text(d, 'limit')}G.`,
  ),
  /** The pool's ledger has no room left: the operation goes back to placement. */
  PoolCapacityExceeded: entry(
    'conflict',
    (d) => `Pool ${text(d, 'pool')} has no room for ${text(d, 'requestedGiB')} GiB: ${text(d, 'reason')}`,
  ),
  /** A hot stream kept changing, or a store is down. */
  TryAgain: entry('unavailable', (d) => text(d, 'reason')),
} as const satisfies Record<string, RejectionEntry>;

export type RejectionCode = keyof typeof REJECTIONS;

export interface Rejection {
  readonly code: RejectionCode;
  readonly message: string;
  readonly details: Details;
}

/** Builds a refusal; `details` holds what its sentence in the catalogue names, and whatever a program may want. */
export const reject = (code: RejectionCode, details: Details = {}): Rejection => ({
  code,
  message: REJECTIONS[code].message(details),
  details,
});

export const kindOf = (rejection: Rejection): RejectionKind => REJECTIONS[rejection.code].kind;
