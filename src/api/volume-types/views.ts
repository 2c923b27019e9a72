import type { VolumeTypeDocument } from '../../projections/volume-types.ts';
import { type Call, can } from '../call.ts';

/** How types look in answers (operations.json: types; its `responseBody` names the rule of each field). */

/** Extra specs that everybody may see and filter by. */
export const USER_VISIBLE_SPECS: ReadonlySet<string> = new Set([
  'RESKEY:availability_zones',
  'multiattach',
  'replication_enabled',
]);

type Specs = Readonly<Record<string, string>>;

/** The extra specs that the caller may see. */
export function visibleSpecs(call: Call, { extraSpecs }: Pick<VolumeTypeDocument, 'extraSpecs'>): Specs {
  if (can(call, 'volume_extension:types_extra_specs:read_sensitive')) return extraSpecs;
  return Object.fromEntries(Object.entries(extraSpecs).filter(([key]) => USER_VISIBLE_SPECS.has(key)));
}

const accessField = (call: Call, { isPublic }: VolumeTypeDocument): object =>
  can(call, 'volume_extension:volume_type_access') ? { 'os-volume-type-access:is_public': isPublic } : {};

/** A type as lists and show answer it. */
export const typeView = (call: Call, type: VolumeTypeDocument): object => ({
  ...defaultTypeView(call, type),
  ...accessField(call, type),
});

/** The type asked for as `default`. */
export const defaultTypeView = (call: Call, type: VolumeTypeDocument): object => ({
  id: type.id,
  name: type.name,
  is_public: type.isPublic,
  description: type.description,
  ...(can(call, 'volume_extension:access_types_extra_specs') ? { extra_specs: visibleSpecs(call, type) } : {}),
  ...(can(call, 'volume_extension:access_types_qos_specs_id') ? { qos_specs_id: null } : {}),
});

/** A type as its update answers it. */
export const updatedTypeView = ({ id, name, isPublic, description, extraSpecs }: VolumeTypeDocument): object => ({
  id,
  name,
  is_public: isPublic,
  description,
  extra_specs: extraSpecs,
});

/** A type as its creation answers it. */
export const createdTypeView = (call: Call, type: VolumeTypeDocument): object => ({
  ...updatedTypeView(type),
  ...accessField(call, type),
});
