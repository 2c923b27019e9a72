import { dropById, emptyIdMap, getById, type IdMap, putById, valuesOf } from '../kernel/id-map.ts';
import { deriveId } from '../kernel/ids.ts';
import type { VolumeTypesEvent } from './events.ts';

/** The type that is there from the start; renamed, it stays the default. */
export const DEFAULT_TYPE_NAME = '__DEFAULT__';
export const DEFAULT_TYPE_DESCRIPTION = 'Default Volume Type';
/** The same id in every installation, so that nobody has to look it up. */
export const DEFAULT_TYPE_ID = deriveId('volume-type', DEFAULT_TYPE_NAME);

export interface VolumeType {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly isPublic: boolean;
  readonly extraSpecs: Readonly<Record<string, string>>;
}

export interface VolumeTypes {
  readonly types: IdMap<VolumeType>;
  readonly defaultTypeId: string | null;
  /** Types that projects have as their own default, by project id. */
  readonly projectDefaults: IdMap<{ readonly projectId: string; readonly typeId: string }>;
}

export const initialVolumeTypes: VolumeTypes = { types: emptyIdMap, defaultTypeId: null, projectDefaults: emptyIdMap };

export const typeById = (state: VolumeTypes, typeId: string): VolumeType | null => getById(state.types, typeId) ?? null;

export const typeByName = (state: VolumeTypes, name: string): VolumeType | null =>
  valuesOf(state.types).find((type) => type.name === name) ?? null;

/** The type of a project's volumes when their creation names none; null before the default type was made. */
export function defaultTypeFor(state: VolumeTypes, projectId: string): VolumeType | null {
  const typeId = getById(state.projectDefaults, projectId)?.typeId ?? state.defaultTypeId;
  return typeId === null ? null : typeById(state, typeId);
}

/** Whether a type is the default of all, or some project's. */
export const isDefaultType = (state: VolumeTypes, typeId: string): boolean =>
  state.defaultTypeId === typeId || valuesOf(state.projectDefaults).some((own) => own.typeId === typeId);

const change = (state: VolumeTypes, typeId: string, changes: Partial<VolumeType>): VolumeTypes => {
  const type = typeById(state, typeId);
  return type === null ? state : { ...state, types: putById(state.types, typeId, { ...type, ...changes }) };
};

export function evolveVolumeTypes(state: VolumeTypes, event: VolumeTypesEvent): VolumeTypes {
  switch (event.type) {
    case 'VolumeTypeCreated': {
      const { typeId: id, ...facts } = event.data;
      const isDefault = state.defaultTypeId === null && facts.name === DEFAULT_TYPE_NAME;
      return {
        ...state,
        types: putById(state.types, id, { id, ...facts }),
        defaultTypeId: isDefault ? id : state.defaultTypeId,
      };
    }
    case 'VolumeTypeUpdated': {
      const { typeId, name, description, isPublic } = event.data;
      return change(state, typeId, {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(isPublic === undefined ? {} : { isPublic }),
      });
    }
    case 'VolumeTypeExtraSpecsChanged':
      return change(state, event.data.typeId, { extraSpecs: event.data.extraSpecs });
    case 'VolumeTypeDeleted':
      return { ...state, types: dropById(state.types, event.data.typeId) };
    case 'DefaultVolumeTypeSet':
      return { ...state, projectDefaults: putById(state.projectDefaults, event.data.projectId, event.data) };
    case 'DefaultVolumeTypeUnset':
      return { ...state, projectDefaults: dropById(state.projectDefaults, event.data.projectId) };
  }
}
