import type { VolumeEvent, VolumeEventOf } from '../domain/volume/events.ts';
import type { CollectionSpec, Document, ReadStore } from '../ports/read-store.ts';
import { createListing, type Listing, projectIndexes } from './listing.ts';
import type { Projection, Recorded } from './projection.ts';

/** Collection `snapshots`: live snapshots as the API shows them. */
export interface SnapshotDocument extends Document {
  readonly id: string;
  readonly volumeId: string;
  readonly projectId: string;
  readonly userId: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly sizeGiB: number;
  readonly status: string;
  readonly progress: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly volumeTypeId: string;
  /** The volume's when it was taken; null where the event does not say. */
  readonly availabilityZone: string;
  readonly consumesQuota: boolean;
  readonly groupSnapshotId: null;
  readonly createdAt: number;
  /** Changes when a column of the snapshot itself does; metadata lies in rows of its own. */
  readonly updatedAt: number | null;
  readonly operationId: string | null;
}

/** Fields that the API filters or sorts snapshots by (contract/errors.md §5), each served by an index. */
export const SNAPSHOT_FILTER_FIELDS = ['status', 'name', 'volumeId', 'availabilityZone', 'consumesQuota'] as const;

export const snapshotsCollection: CollectionSpec = {
  name: 'snapshots',
  version: 1,
  indexes: projectIndexes({ withinProject: SNAPSHOT_FILTER_FIELDS, acrossProjects: ['status', 'name', 'volumeId'] }),
};

export const snapshotsProjection: Projection<SnapshotDocument> = {
  collection: snapshotsCollection,
  streams: { prefixes: ['volume-'] },
  idsOf: (event: Recorded<VolumeEvent>) => {
    switch (event.type) {
      case 'VolumeDeletionRequested':
      case 'TransferAccepted':
        return event.data.snapshotIds;
      case 'VolumeRevertRequested':
      case 'VolumeReverted':
      case 'VolumeRevertFailed':
        return [event.data.snapshotId];
      default:
        return event.type.startsWith('Snapshot') && 'snapshotId' in event.data && event.data.snapshotId !== null
          ? [event.data.snapshotId]
          : [];
    }
  },
  apply: (document: SnapshotDocument | null, event: Recorded<VolumeEvent>) => {
    if (event.type === 'SnapshotCreationRequested') return requestedSnapshot(event.data, event.metadata.at);
    return document === null ? null : changed(document, event, event.metadata.at);
  },
};

/** A snapshot that was just asked for. */
export function requestedSnapshot(
  data: VolumeEventOf<'SnapshotCreationRequested'>['data'],
  at: number,
): SnapshotDocument {
  return {
    id: data.snapshotId,
    volumeId: data.volumeId,
    projectId: data.projectId,
    userId: data.userId,
    name: data.name,
    description: data.description,
    sizeGiB: data.sizeGiB,
    status: 'creating',
    progress: '0%',
    metadata: data.metadata,
    volumeTypeId: data.volumeTypeId,
    availabilityZone: data.availabilityZone,
    consumesQuota: true,
    groupSnapshotId: null,
    createdAt: at,
    updatedAt: null,
    operationId: data.operationId,
  };
}

function changed(snapshot: SnapshotDocument, event: Recorded<VolumeEvent>, at: number): SnapshotDocument | null {
  const touched = (change: Partial<SnapshotDocument>): SnapshotDocument => ({ ...snapshot, ...change, updatedAt: at });
  const ended = (change: Partial<SnapshotDocument>): SnapshotDocument => touched({ ...change, operationId: null });
  switch (event.type) {
    case 'SnapshotCreated':
      return ended({ status: 'available', progress: '100%' });
    case 'SnapshotCreationFailed':
      return ended({ status: 'error' });
    case 'SnapshotDeletionRequested':
    case 'VolumeDeletionRequested':
      return touched({ status: 'deleting', operationId: event.data.operationId });
    case 'SnapshotDeleted':
      return null;
    case 'SnapshotDeletionFailed':
    case 'SnapshotStatusReset':
      return ended({ status: event.data.status });
    case 'SnapshotUpdated': {
      const { name = snapshot.name, description = snapshot.description } = event.data;
      return touched({ name, description });
    }
    case 'SnapshotMetadataChanged':
      return { ...snapshot, metadata: event.data.metadata };
    case 'SnapshotStatusUpdated':
      return touched({ status: event.data.status, progress: event.data.progress ?? snapshot.progress });
    case 'VolumeRevertRequested':
      return touched({ status: 'restoring', operationId: event.data.operationId });
    case 'VolumeReverted':
    case 'VolumeRevertFailed':
      return ended({ status: 'available' });
    case 'TransferAccepted':
      return touched({ projectId: event.data.toProjectId, userId: event.data.toUserId });
    default:
      return snapshot;
  }
}

export type SnapshotQueries = Listing<SnapshotDocument>;

export const createSnapshotQueries = (readStore: ReadStore): SnapshotQueries =>
  createListing<SnapshotDocument>(readStore, snapshotsCollection);
