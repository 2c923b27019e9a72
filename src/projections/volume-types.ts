import type { VolumeTypesEvent } from '../domain/volume-types/events.ts';
import type { CollectionSpec, Document, ReadStore } from '../ports/read-store.ts';
import { createListing, type Listing } from './listing.ts';
import type { Projection, Recorded } from './projection.ts';

/** Collection `volumeTypes`. */
export interface VolumeTypeDocument extends Document {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly isPublic: boolean;
  readonly extraSpecs: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly updatedAt: number | null;
}

/** Collection `defaultTypes`: `id` is the project's. */
export interface DefaultTypeDocument extends Document {
  readonly id: string;
  readonly volumeTypeId: string;
}

const streams = { prefixes: ['volumeTypes'] };

export const volumeTypesCollection: CollectionSpec = {
  name: 'volumeTypes',
  version: 1,
  indexes: [
    { name: 'all', fields: ['createdAt', 'id'] },
    { name: 'all_name', fields: ['name', 'createdAt', 'id'] },
    { name: 'all_isPublic', fields: ['isPublic', 'createdAt', 'id'] },
  ],
};

export const defaultTypesCollection: CollectionSpec = { name: 'defaultTypes', version: 1, indexes: [] };

export const volumeTypesProjection: Projection<VolumeTypeDocument> = {
  collection: volumeTypesCollection,
  streams,
  idsOf: (event: Recorded<VolumeTypesEvent>) =>
    event.type === 'DefaultVolumeTypeSet' || event.type === 'DefaultVolumeTypeUnset' ? [] : [event.data.typeId],
  apply: (document: VolumeTypeDocument | null, event: Recorded<VolumeTypesEvent>) => {
    const { at } = event.metadata;
    if (event.type === 'VolumeTypeCreated') {
      const { typeId: id, name, description, isPublic, extraSpecs } = event.data;
      return { id, name, description, isPublic, extraSpecs, createdAt: at, updatedAt: null };
    }
    if (document === null) return null;
    switch (event.type) {
      case 'VolumeTypeUpdated': {
        const { name = document.name, description = document.description, isPublic = document.isPublic } = event.data;
        return { ...document, name, description, isPublic, updatedAt: at };
      }
      case 'VolumeTypeExtraSpecsChanged':
        return { ...document, extraSpecs: event.data.extraSpecs };
      case 'VolumeTypeDeleted':
        return null;
      default:
        return document;
    }
  },
};

export const defaultTypesProjection: Projection<DefaultTypeDocument> = {
  collection: defaultTypesCollection,
  streams,
  idsOf: (event: Recorded<VolumeTypesEvent>) =>
    event.type === 'DefaultVolumeTypeSet' || event.type === 'DefaultVolumeTypeUnset' ? [event.data.projectId] : [],
  apply: (_document: DefaultTypeDocument | null, event: Recorded<VolumeTypesEvent>, id: string) =>
    event.type === 'DefaultVolumeTypeSet' ? { id, volumeTypeId: event.data.typeId } : null,
};

export interface VolumeTypeQueries extends Listing<VolumeTypeDocument> {
  byName(name: string): Promise<VolumeTypeDocument | null>;
}

export function createVolumeTypeQueries(readStore: ReadStore): VolumeTypeQueries {
  const listing = createListing<VolumeTypeDocument>(readStore, volumeTypesCollection);
  return {
    ...listing,
    byName: async (name) =>
      (await listing.list({ projectId: null, where: { name: { eq: name } }, limit: 1 }))[0] ?? null,
  };
}

export interface DefaultTypeQueries {
  /** The default type that was set for one project. */
  get(projectId: string): Promise<DefaultTypeDocument | null>;
  all(): Promise<readonly DefaultTypeDocument[]>;
}

export const createDefaultTypeQueries = (readStore: ReadStore): DefaultTypeQueries => ({
  get: async (projectId) => (await readStore.get(defaultTypesCollection.name, projectId)) as DefaultTypeDocument | null,
  all: async () => (await readStore.find(defaultTypesCollection.name, {})) as readonly DefaultTypeDocument[],
});
