import { match } from 'ts-pattern';
import { accepted, type Decision, rejected } from '../kernel/decider.ts';
import { getById } from '../kernel/id-map.ts';
import { reject } from '../kernel/rejection.ts';
import type { VolumeTypesCommand } from './commands.ts';
import type { VolumeTypesEvent } from './events.ts';
import {
  DEFAULT_TYPE_DESCRIPTION,
  DEFAULT_TYPE_NAME,
  isDefaultType,
  typeById,
  typeByName,
  type VolumeType,
  type VolumeTypes,
} from './state.ts';

type VolumeTypesDecision = Decision<VolumeTypesEvent>;

/** Decides on the one stream of all types, so that names are unique (contract/operations.json: types, type-extra-specs, default-types). */
export function decideVolumeTypes(command: VolumeTypesCommand, state: VolumeTypes): VolumeTypesDecision {
  return match(command)
    .returnType<VolumeTypesDecision>()
    .with({ type: 'CreateVolumeType' }, ({ type: _, ...facts }) =>
      typeByName(state, facts.name) === null
        ? accepted({ type: 'VolumeTypeCreated', data: facts })
        : rejected(reject('VolumeTypeExists', { name: facts.name })),
    )
    .with({ type: 'EnsureDefaultType' }, ({ typeId }) =>
      state.defaultTypeId === null
        ? accepted({
            type: 'VolumeTypeCreated',
            data: {
              typeId,
              name: DEFAULT_TYPE_NAME,
              description: DEFAULT_TYPE_DESCRIPTION,
              isPublic: true,
              extraSpecs: {},
            },
          })
        : accepted(),
    )
    .with({ type: 'UpdateVolumeType' }, (update) =>
      ofType(state, update.typeId, (type) => updateType(state, type, update)),
    )
    .with({ type: 'DeleteVolumeType' }, ({ typeId, inUse }) =>
      ofType(state, typeId, () => deleteType(state, typeId, inUse)),
    )
    .with({ type: 'SetExtraSpecs' }, ({ typeId, extraSpecs, inUse }) =>
      ofType(state, typeId, (type) => changeExtraSpecs(type, { ...type.extraSpecs, ...extraSpecs }, inUse)),
    )
    .with({ type: 'DeleteExtraSpec' }, ({ typeId, key, inUse }) =>
      ofType(state, typeId, (type) => {
        if (!Object.hasOwn(type.extraSpecs, key)) {
          return rejected(reject('VolumeTypeExtraSpecNotFound', { id: typeId, key }));
        }
        const { [key]: _, ...rest } = type.extraSpecs;
        return changeExtraSpecs(type, rest, inUse);
      }),
    )
    .with({ type: 'SetDefaultVolumeType' }, ({ projectId, typeId }) => {
      // The original answers 400 here, not 404: what is not found is named in the body, not in the address.
      if (typeById(state, typeId) === null) {
        return rejected(reject('InvalidVolumeType', { reason: `volume type ${typeId} could not be found` }));
      }
      if (getById(state.projectDefaults, projectId)?.typeId === typeId) return accepted();
      return accepted({ type: 'DefaultVolumeTypeSet', data: { projectId, typeId } });
    })
    .with({ type: 'UnsetDefaultVolumeType' }, ({ projectId }) =>
      getById(state.projectDefaults, projectId) === undefined
        ? accepted()
        : accepted({ type: 'DefaultVolumeTypeUnset', data: { projectId } }),
    )
    .exhaustive();
}

function ofType(
  state: VolumeTypes,
  typeId: string,
  decide: (type: VolumeType) => VolumeTypesDecision,
): VolumeTypesDecision {
  const type = typeById(state, typeId);
  return type === null ? rejected(reject('VolumeTypeNotFound', { id: typeId })) : decide(type);
}

function updateType(
  state: VolumeTypes,
  type: VolumeType,
  { name, description, isPublic }: Extract<VolumeTypesCommand, { type: 'UpdateVolumeType' }>,
): VolumeTypesDecision {
  const namesake = name === undefined ? null : typeByName(state, name);
  if (namesake !== null && namesake.id !== type.id)
    return rejected(reject('VolumeTypeExists', { name: namesake.name }));
  const changes = {
    ...(name === undefined || name === type.name ? {} : { name }),
    ...(description === undefined || description === type.description ? {} : { description }),
    ...(isPublic === undefined || isPublic === type.isPublic ? {} : { isPublic }),
  };
  if (Object.keys(changes).length === 0) return accepted();
  return accepted({ type: 'VolumeTypeUpdated', data: { typeId: type.id, ...changes } });
}

function deleteType(state: VolumeTypes, typeId: string, inUse: boolean): VolumeTypesDecision {
  if (isDefaultType(state, typeId)) return rejected(reject('VolumeTypeIsDefault', { id: typeId }));
  if (inUse) return rejected(reject('VolumeTypeInUse', { id: typeId }));
  return accepted({ type: 'VolumeTypeDeleted', data: { typeId } });
}

function changeExtraSpecs(
  type: VolumeType,
  extraSpecs: Readonly<Record<string, string>>,
  inUse: boolean,
): VolumeTypesDecision {
  if (inUse) return rejected(reject('InvalidVolumeType', { reason: 'the volume type is currently in use' }));
  const before = Object.entries(type.extraSpecs);
  const unchanged =
    before.length === Object.keys(extraSpecs).length && before.every(([key, value]) => extraSpecs[key] === value);
  if (unchanged) return accepted();
  return accepted({ type: 'VolumeTypeExtraSpecsChanged', data: { typeId: type.id, extraSpecs } });
}
