import type { VolumeTypeDocument } from '../../projections/volume-types.ts';
import { type Call, param } from '../call.ts';
import { notFound } from '../faults.ts';

export const typeNotFound = (id: string): string => `Volume type ${id} could not be found.`;

/** Private types exist for administrators only. */
export const maySeeType = ({ caller }: Call, { isPublic }: VolumeTypeDocument): boolean => caller.isAdmin || isPublic;

/** A type by id; one that the caller may not see is not found. */
export async function visibleType(call: Call, id: string): Promise<VolumeTypeDocument> {
  const type = await call.deps.queries.volumeTypes.get(id);
  if (type === null || !maySeeType(call, type)) throw notFound(typeNotFound(id));
  return type;
}

/** The type that the path names. */
export const typeOfPath = (call: Call): Promise<VolumeTypeDocument> => visibleType(call, param(call, 'volume_type_id'));

/** A type by its id, else by its name; null where there is none that the caller may see. */
export async function typeByIdOrName(call: Call, idOrName: string): Promise<VolumeTypeDocument | null> {
  const { volumeTypes } = call.deps.queries;
  const type = (await volumeTypes.get(idOrName)) ?? (await volumeTypes.byName(idOrName));
  return type !== null && maySeeType(call, type) ? type : null;
}

const PAGE = 1_000;

/** Every type there is, private ones too. */
export async function allTypes({ deps }: Call): Promise<readonly VolumeTypeDocument[]> {
  const types: VolumeTypeDocument[] = [];
  let marker: VolumeTypeDocument | null = null;
  do {
    const page: readonly VolumeTypeDocument[] = await deps.queries.volumeTypes.list({
      projectId: null,
      marker,
      limit: PAGE,
    });
    types.push(...page);
    marker = page.length < PAGE ? null : (page.at(-1) ?? null);
  } while (marker !== null);
  return types;
}
