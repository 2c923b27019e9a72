import type { VolumeEvent, VolumeEventOf } from '../domain/volume/events.ts';
import type { CollectionSpec, Document, ReadStore } from '../ports/read-store.ts';
import { createListing, type Listing, projectIndexes } from './listing.ts';
import type { Projection, Recorded } from './projection.ts';

type Pairs = Readonly<Record<string, string>>;

export interface AttachmentFields {
  readonly id: string;
  readonly instanceId: string | null;
  readonly hostName: string | null;
  readonly mountpoint: string;
  readonly mode: 'rw' | 'ro';
  readonly attachedAt: number;
}

/** Collection `volumes`: live volumes as the API shows them. Times are epoch milliseconds. */
export interface VolumeDocument extends Document {
  readonly id: string;
  readonly projectId: string;
  readonly userId: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly sizeGiB: number;
  readonly status: string;
  /** The status before an extension or a deletion under way. */
  readonly previousStatus: string | null;
  readonly attachStatus: string;
  readonly migrationStatus: string | null;
  readonly availabilityZone: string;
  /** `host@backend#pool`, null until placed. */
  readonly host: string | null;
  readonly volumeTypeId: string;
  readonly snapshotId: string | null;
  readonly sourceVolumeId: string | null;
  readonly bootable: boolean;
  readonly multiattach: boolean;
  readonly consumesQuota: boolean;
  readonly metadata: Pairs;
  /** `readonly` ("True"/"False") and `attached_mode`, shown among the metadata to everybody on show, list and update. */
  readonly adminMetadata: Pairs;
  readonly imageMetadata: Pairs;
  readonly attachments: readonly AttachmentFields[];
  readonly providerId: string | null;
  readonly serviceUuid: string | null;
  readonly sharedTargets: boolean | null;
  readonly groupId: null;
  readonly createdAt: number;
  /** Changes when a column of the volume itself does: metadata of any kind lies in rows of its own (Cinder's tables). */
  readonly updatedAt: number | null;
  readonly launchedAt: number | null;
  /** Operation that owns it now. */
  readonly operationId: string | null;
}

/** Fields that the API filters or sorts volumes by (contract/errors.md §5), each served by an index. */
export const VOLUME_FILTER_FIELDS = [
  'status',
  'name',
  'sizeGiB',
  'bootable',
  'migrationStatus',
  'availabilityZone',
  'host',
  'volumeTypeId',
  'groupId',
  'consumesQuota',
  'updatedAt',
] as const;

export const volumesCollection: CollectionSpec = {
  name: 'volumes',
  version: 1,
  indexes: projectIndexes({
    withinProject: VOLUME_FILTER_FIELDS,
    // over all projects only what picks few of many: the rest is filtered along the default order
    acrossProjects: ['status', 'name', 'host', 'migrationStatus', 'updatedAt'],
  }),
};

export const volumesProjection: Projection<VolumeDocument> = {
  collection: volumesCollection,
  streams: { prefixes: ['volume-'] },
  idsOf: (event: Recorded<VolumeEvent>) =>
    'volumeId' in event.data && !isSilent(event.type) ? [event.data.volumeId] : [],
  apply: (document: VolumeDocument | null, event: Recorded<VolumeEvent>) => {
    if (event.type === 'VolumeCreationRequested') return requestedVolume(event.data, event.metadata.at);
    return document === null ? null : changed(document, event, event.metadata.at);
  },
};

/** Events of a volume's stream that leave what is shown of the volume itself alone. */
function isSilent(type: string): boolean {
  return (
    type === 'VolumePinned' || type === 'VolumeUnpinned' || type === 'RequestLapsed' || type.startsWith('Snapshot')
  );
}

/** A volume that was just asked for. */
export function requestedVolume(data: VolumeEventOf<'VolumeCreationRequested'>['data'], at: number): VolumeDocument {
  const { source } = data;
  return {
    id: data.volumeId,
    projectId: data.projectId,
    userId: data.userId,
    name: data.name,
    description: data.description,
    sizeGiB: data.sizeGiB,
    status: 'creating',
    previousStatus: null,
    attachStatus: 'detached',
    migrationStatus: null,
    availabilityZone: data.availabilityZone,
    host: null,
    volumeTypeId: data.volumeTypeId,
    snapshotId: source.kind === 'snapshot' ? source.snapshotId : null,
    sourceVolumeId: source.kind === 'volume' ? source.volumeId : null,
    bootable: data.bootable,
    multiattach: data.multiattach,
    consumesQuota: true,
    metadata: data.metadata,
    adminMetadata: {},
    imageMetadata: data.imageMetadata,
    attachments: [],
    providerId: null,
    serviceUuid: null,
    sharedTargets: null,
    groupId: null,
    createdAt: at,
    updatedAt: null,
    launchedAt: null,
    operationId: data.operationId,
  };
}

function changed(volume: VolumeDocument, event: Recorded<VolumeEvent>, at: number): VolumeDocument | null {
  const touched = (change: Partial<VolumeDocument>): VolumeDocument => ({ ...volume, ...change, updatedAt: at });
  const ended = (change: Partial<VolumeDocument>): VolumeDocument => touched({ ...change, operationId: null });
  switch (event.type) {
    case 'VolumeCreated': {
      const { pool, availabilityZone, providerId, serviceUuid, sharedTargets } = event.data;
      const where = { host: pool, availabilityZone, providerId, serviceUuid, sharedTargets };
      return ended({ ...where, status: 'available', launchedAt: at });
    }
    case 'VolumeCreationFailed':
      return ended({ status: 'error' });
    case 'VolumeDeletionRequested':
      return touched({
        status: event.data.status,
        // a second deletion takes over the first
        previousStatus: volume.status === 'deleting' ? volume.previousStatus : volume.status,
        operationId: event.data.operationId,
      });
    case 'VolumeDeleted':
      return null;
    case 'VolumeDeletionFailed':
    case 'VolumeExtensionFailed':
      return ended({ status: event.data.status, previousStatus: null });
    case 'VolumeExtensionRequested':
      return touched({ status: 'extending', previousStatus: volume.status, operationId: event.data.operationId });
    case 'VolumeExtended':
      return ended({ status: event.data.status, previousStatus: null, sizeGiB: event.data.toGiB });
    case 'VolumeRevertRequested':
      return touched({ status: 'reverting', operationId: event.data.operationId });
    case 'VolumeReverted':
      return ended({ status: 'available' });
    case 'VolumeRevertFailed':
      return ended({ status: 'error' });
    case 'VolumeStatusReset':
      return statusReset(volume, event.data, at);
    case 'VolumeUpdated': {
      const { name = volume.name, description = volume.description } = event.data;
      return touched({ name, description });
    }
    case 'VolumeMetadataChanged':
      return { ...volume, metadata: event.data.metadata };
    case 'VolumeImageMetadataChanged':
      return { ...volume, imageMetadata: event.data.imageMetadata };
    case 'VolumeBootableSet':
      return touched({ bootable: event.data.bootable });
    case 'VolumeReadonlySet':
      return {
        ...volume,
        adminMetadata: { ...volume.adminMetadata, readonly: event.data.readonly ? 'True' : 'False' },
      };
    case 'VolumeReserved':
      return touched({ status: 'attaching' });
    case 'VolumeUnreserved':
      return touched({ status: event.data.status });
    case 'VolumeAttached':
      return touched(attached(volume, event.data, at));
    case 'VolumeDetachingBegun':
      return touched({ status: 'detaching' });
    case 'VolumeDetachingRolledBack':
      return touched({ status: 'in-use' });
    case 'VolumeDetached':
      return touched({ ...detached(volume, event.data.attachmentIds), status: event.data.status });
    case 'TransferCreated':
      return touched({ status: 'awaiting-transfer' });
    case 'TransferAccepted':
      return touched({ status: 'available', projectId: event.data.toProjectId, userId: event.data.toUserId });
    case 'TransferDeleted':
      return volume.status === event.data.status ? volume : touched({ status: event.data.status });
    default:
      return volume;
  }
}

function attached(
  volume: VolumeDocument,
  data: VolumeEventOf<'VolumeAttached'>['data'],
  at: number,
): Partial<VolumeDocument> {
  const { attachmentId, instanceId, hostName, mountpoint, mode } = data;
  const attachment = { id: attachmentId, instanceId, hostName, mountpoint, mode, attachedAt: at };
  return {
    status: 'in-use',
    attachStatus: 'attached',
    attachments: [...volume.attachments.filter(({ id }) => id !== attachmentId), attachment],
    // the flag is written out at the first attachment (contract/states.json volume.attach)
    adminMetadata: { readonly: 'False', ...volume.adminMetadata, attached_mode: mode },
  };
}

function detached(volume: VolumeDocument, attachmentIds: readonly string[]): Partial<VolumeDocument> {
  const attachments = volume.attachments.filter(({ id }) => !attachmentIds.includes(id));
  const { attached_mode: _, ...adminMetadata } = volume.adminMetadata;
  return {
    attachStatus: attachments.length > 0 ? 'attached' : 'detached',
    attachments,
    adminMetadata,
  };
}

/** A new status takes the volume away from whatever worked on it; attachments that end have an event of their own. */
function statusReset(
  volume: VolumeDocument,
  { status, attachStatus, migrationStatus }: VolumeEventOf<'VolumeStatusReset'>['data'],
  at: number,
): VolumeDocument {
  return {
    ...volume,
    ...(status === undefined ? {} : { status, previousStatus: null, operationId: null }),
    ...(attachStatus === undefined ? {} : { attachStatus }),
    ...(migrationStatus === undefined ? {} : { migrationStatus }),
    updatedAt: at,
  };
}

export interface VolumeSummary {
  readonly count: number;
  readonly totalSizeGiB: number;
}

export interface VolumeQueries extends Listing<VolumeDocument> {
  /** Count and total size of the volumes of a project, or of all (null). */
  summary(projectId: string | null): Promise<VolumeSummary>;
  /** The distinct values of each metadata key (shown in the summary from 3.36); reads every volume. */
  distinctMetadata(projectId: string | null): Promise<Readonly<Record<string, readonly string[]>>>;
}

const SUMMARY_PAGE = 1_000;

export function createVolumeQueries(readStore: ReadStore): VolumeQueries {
  const listing = createListing<VolumeDocument>(readStore, volumesCollection);
  return {
    ...listing,
    summary: async (projectId) => {
      const where = projectId === null ? {} : { projectId: { eq: projectId } };
      const [count, totalSizeGiB] = await Promise.all([
        listing.count({ projectId }),
        readStore.sum(volumesCollection.name, 'sizeGiB', where),
      ]);
      return { count, totalSizeGiB };
    },
    distinctMetadata: (projectId) => distinctMetadata(listing, projectId),
  };
}

async function distinctMetadata(
  listing: Listing<VolumeDocument>,
  projectId: string | null,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const values = new Map<string, Set<string>>();
  let marker: VolumeDocument | null = null;
  do {
    const page: readonly VolumeDocument[] = await listing.list({ projectId, marker, limit: SUMMARY_PAGE });
    for (const { metadata } of page) {
      for (const [key, value] of Object.entries(metadata)) values.set(key, (values.get(key) ?? new Set()).add(value));
    }
    marker = page.length < SUMMARY_PAGE ? null : (page.at(-1) ?? null);
  } while (marker !== null);
  return Object.fromEntries([...values].map(([key, distinct]) => [key, [...distinct]]));
}
