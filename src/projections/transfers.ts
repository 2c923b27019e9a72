import type { VolumeEvent } from '../domain/volume/events.ts';
import type { CollectionSpec, Document, ReadStore } from '../ports/read-store.ts';
import { createListing, type Listing, projectIndexes } from './listing.ts';
import type { Projection, Recorded } from './projection.ts';

/** Collection `transfers`: open transfers. Salt and hash of the key stay in the volume's stream. */
export interface TransferDocument extends Document {
  readonly id: string;
  readonly volumeId: string;
  readonly name: string | null;
  /** The donor's. */
  readonly projectId: string;
  readonly noSnapshots: boolean;
  readonly createdAt: number;
}

export const transfersCollection: CollectionSpec = {
  name: 'transfers',
  version: 1,
  indexes: projectIndexes({ withinProject: ['name', 'volumeId'], acrossProjects: [] }),
};

export const transfersProjection: Projection<TransferDocument> = {
  collection: transfersCollection,
  streams: { prefixes: ['volume-'] },
  idsOf: (event: Recorded<VolumeEvent>) => {
    switch (event.type) {
      case 'TransferCreated':
      case 'TransferAccepted':
      case 'TransferDeleted':
        return [event.data.transferId];
      default:
        return [];
    }
  },
  apply: (_document: TransferDocument | null, event: Recorded<VolumeEvent>) => {
    if (event.type !== 'TransferCreated') return null;
    const { transferId: id, volumeId, name, projectId, noSnapshots } = event.data;
    return { id, volumeId, name, projectId, noSnapshots, createdAt: event.metadata.at };
  },
};

export type TransferQueries = Listing<TransferDocument>;

export const createTransferQueries = (readStore: ReadStore): TransferQueries =>
  createListing<TransferDocument>(readStore, transfersCollection);
