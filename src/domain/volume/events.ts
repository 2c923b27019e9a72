import { z } from 'zod';
import { catalogueOf, type EventsOf } from '../kernel/event.ts';
import { SNAPSHOT_STATUSES, VOLUME_STATUSES } from './statuses.ts';

const id = z.string().min(1);
const gib = z.int().min(0);
const metadata = z.record(z.string(), z.string());
/** Where the volume or snapshot stands after the event, wherever that depends on what was before. */
const volumeStatus = z.enum(VOLUME_STATUSES);
const snapshotStatus = z.enum(SNAPSHOT_STATUSES);

/** Why something failed: a stable code, a sentence an operator can read, and figures. */
export const failureReason = z.object({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type FailureReason = z.infer<typeof failureReason>;

/** What a new volume is made from. A clone and a volume from a snapshot read a volume that must stay meanwhile. */
export const volumeSource = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('empty') }),
  z.object({
    kind: z.literal('snapshot'),
    snapshotId: id,
    volumeId: id,
    sizeGiB: gib,
    pool: z.string(),
    backendName: z.string(),
  }),
  z.object({ kind: z.literal('volume'), volumeId: id, sizeGiB: gib, pool: z.string(), backendName: z.string() }),
]);
export type VolumeSource = z.infer<typeof volumeSource>;

export const attachMode = z.enum(['rw', 'ro']);

const schemas = {
  // Life of the volume itself
  VolumeCreationRequested: {
    version: 1,
    data: z.object({
      volumeId: id,
      operationId: id,
      projectId: id,
      userId: id,
      name: z.string().nullable(),
      description: z.string().nullable(),
      sizeGiB: gib,
      volumeTypeId: id,
      /** The type as it was: placement and the driver work from this, not from what the type becomes later. */
      volumeType: z.object({ name: z.string(), extraSpecs: metadata }),
      source: volumeSource,
      /** Zones the volume may be placed in; empty means any. */
      availabilityZones: z.array(z.string()),
      /** Shown until placement has chosen. */
      availabilityZone: z.string(),
      metadata,
      multiattach: z.boolean(),
      bootable: z.boolean(),
      imageMetadata: metadata,
      schedulerHints: z.record(z.string(), z.unknown()),
    }),
  },
  VolumeCreated: {
    version: 1,
    data: z.object({
      volumeId: id,
      operationId: id,
      /** `host@backend#pool`. */
      pool: z.string(),
      availabilityZone: z.string(),
      backendName: z.string(),
      providerId: z.string().nullable(),
      serviceUuid: id,
      sharedTargets: z.boolean(),
    }),
  },
  VolumeCreationFailed: { version: 1, data: z.object({ volumeId: id, operationId: id, reason: failureReason }) },
  VolumeDeletionRequested: {
    version: 1,
    data: z.object({
      volumeId: id,
      operationId: id,
      projectId: id,
      cascade: z.boolean(),
      force: z.boolean(),
      /** Snapshots that go with it. */
      snapshotIds: z.array(id),
      /** Operations that own the volume or its snapshots and must have ended before this one touches the backend. */
      takesOver: z.array(id),
      status: volumeStatus,
    }),
  },
  /** What it was charged with and where it lay: null where it was never built. */
  VolumeDeleted: {
    version: 1,
    data: z.object({
      volumeId: id,
      operationId: id,
      projectId: id,
      sizeGiB: gib,
      volumeTypeId: id,
      pool: z.string().nullable(),
    }),
  },
  VolumeDeletionFailed: {
    version: 1,
    data: z.object({ volumeId: id, operationId: id, busy: z.boolean(), reason: failureReason, status: volumeStatus }),
  },
  VolumeExtensionRequested: {
    version: 1,
    data: z.object({ volumeId: id, operationId: id, projectId: id, fromGiB: gib, toGiB: gib }),
  },
  VolumeExtended: {
    version: 1,
    data: z.object({ volumeId: id, operationId: id, fromGiB: gib, toGiB: gib, status: volumeStatus }),
  },
  /** `refused`: no room on the pool, nothing was touched; else the driver failed. */
  VolumeExtensionFailed: {
    version: 1,
    data: z.object({
      volumeId: id,
      operationId: id,
      refused: z.boolean(),
      reason: failureReason,
      status: volumeStatus,
    }),
  },
  VolumeRevertRequested: {
    version: 1,
    data: z.object({ volumeId: id, operationId: id, projectId: id, snapshotId: id }),
  },
  VolumeReverted: { version: 1, data: z.object({ volumeId: id, operationId: id, snapshotId: id }) },
  VolumeRevertFailed: {
    version: 1,
    data: z.object({ volumeId: id, operationId: id, snapshotId: id, reason: failureReason }),
  },
  VolumeStatusReset: {
    version: 1,
    data: z.object({
      volumeId: id,
      status: volumeStatus.optional(),
      attachStatus: z.enum(['attached', 'detached']).optional(),
      /** null is the stored form of `none`. */
      migrationStatus: z.string().nullable().optional(),
      takesOver: z.array(id),
    }),
  },
  /** A charge of this operation never met its request here; the id is refused from now on. */
  RequestLapsed: { version: 1, data: z.object({ operationId: id }) },
  // Pins: who is reading the volume (or a snapshot of it), so that neither can go away underneath
  VolumePinned: {
    version: 1,
    data: z.object({ volumeId: id, operationId: id, readerVolumeId: id, snapshotId: id.nullable() }),
  },
  VolumeUnpinned: { version: 1, data: z.object({ volumeId: id, operationId: id }) },
  // What describes it
  VolumeUpdated: {
    version: 1,
    data: z.object({
      volumeId: id,
      name: z.string().nullable().optional(),
      description: z.string().nullable().optional(),
    }),
  },
  /** `metadata` is the whole after the change. */
  VolumeMetadataChanged: { version: 1, data: z.object({ volumeId: id, metadata }) },
  VolumeImageMetadataChanged: { version: 1, data: z.object({ volumeId: id, imageMetadata: metadata }) },
  VolumeBootableSet: { version: 1, data: z.object({ volumeId: id, bootable: z.boolean() }) },
  VolumeReadonlySet: { version: 1, data: z.object({ volumeId: id, readonly: z.boolean() }) },
  // Attachments (the old actions)
  VolumeReserved: { version: 1, data: z.object({ volumeId: id }) },
  VolumeUnreserved: { version: 1, data: z.object({ volumeId: id, status: volumeStatus }) },
  VolumeAttached: {
    version: 1,
    data: z.object({
      volumeId: id,
      attachmentId: id,
      instanceId: id.nullable(),
      hostName: z.string().nullable(),
      mountpoint: z.string(),
      mode: attachMode,
    }),
  },
  VolumeDetachingBegun: { version: 1, data: z.object({ volumeId: id }) },
  VolumeDetachingRolledBack: { version: 1, data: z.object({ volumeId: id }) },
  /** `attachmentIds` are those that ended (none when there was nothing to detach). */
  VolumeDetached: { version: 1, data: z.object({ volumeId: id, attachmentIds: z.array(id), status: volumeStatus }) },
  // Snapshots
  SnapshotCreationRequested: {
    version: 1,
    data: z.object({
      volumeId: id,
      snapshotId: id,
      operationId: id,
      projectId: id,
      userId: id,
      name: z.string().nullable(),
      description: z.string().nullable(),
      metadata,
      sizeGiB: gib,
      volumeTypeId: id,
      pool: z.string(),
      /** The volume's; snapshots are filtered by it. */
      availabilityZone: z.string(),
      volumeBackendName: z.string(),
    }),
  },
  SnapshotCreated: {
    version: 1,
    data: z.object({
      volumeId: id,
      snapshotId: id,
      operationId: id,
      backendName: z.string(),
      providerId: z.string().nullable(),
    }),
  },
  SnapshotCreationFailed: {
    version: 1,
    data: z.object({ volumeId: id, snapshotId: id, operationId: id, reason: failureReason }),
  },
  SnapshotDeletionRequested: {
    version: 1,
    data: z.object({
      volumeId: id,
      snapshotId: id,
      operationId: id,
      projectId: id,
      force: z.boolean(),
      takesOver: z.array(id),
    }),
  },
  SnapshotDeleted: {
    version: 1,
    data: z.object({
      volumeId: id,
      snapshotId: id,
      operationId: id,
      projectId: id,
      sizeGiB: gib,
      volumeTypeId: id,
      /** null where it was never built. */
      backendName: z.string().nullable(),
    }),
  },
  SnapshotDeletionFailed: {
    version: 1,
    data: z.object({
      volumeId: id,
      snapshotId: id,
      operationId: id,
      busy: z.boolean(),
      reason: failureReason,
      status: snapshotStatus,
    }),
  },
  SnapshotUpdated: {
    version: 1,
    data: z.object({
      volumeId: id,
      snapshotId: id,
      name: z.string().nullable().optional(),
      description: z.string().nullable().optional(),
    }),
  },
  SnapshotMetadataChanged: { version: 1, data: z.object({ volumeId: id, snapshotId: id, metadata }) },
  /** By an administrator (`os-reset_status`). */
  SnapshotStatusReset: {
    version: 1,
    data: z.object({ volumeId: id, snapshotId: id, status: snapshotStatus, takesOver: z.array(id) }),
  },
  /** By the compute service (`os-update_snapshot_status`). */
  SnapshotStatusUpdated: {
    version: 1,
    data: z.object({ volumeId: id, snapshotId: id, status: snapshotStatus, progress: z.string().nullable() }),
  },
  // Transfers
  TransferCreated: {
    version: 1,
    data: z.object({
      volumeId: id,
      transferId: id,
      projectId: id,
      name: z.string().nullable(),
      /** The key itself is shown once and never stored. */
      salt: z.string(),
      authKeyHash: z.string(),
      noSnapshots: z.boolean(),
    }),
  },
  TransferAccepted: {
    version: 1,
    data: z.object({
      volumeId: id,
      transferId: id,
      /** The offer's; events from before it was kept have none. */
      name: z.string().nullable().optional(),
      operationId: id,
      fromProjectId: id,
      toProjectId: id,
      toUserId: id,
      /** Snapshots that moved with it. */
      snapshotIds: z.array(id),
      sizeGiB: gib,
      snapshotsGiB: gib,
      volumeTypeId: id,
    }),
  },
  TransferDeleted: { version: 1, data: z.object({ volumeId: id, transferId: id, status: volumeStatus }) },
} as const;

export const volumeEvents = catalogueOf(schemas);

export type VolumeEvent = EventsOf<typeof schemas>;

/** The event of one type. */
export type VolumeEventOf<Type extends VolumeEvent['type']> = Extract<VolumeEvent, { type: Type }>;
