import type { Condition, Where } from '../../ports/read-store.ts';
import { booleanOf } from '../booleans.ts';
import { type Call, can } from '../call.ts';
import { badRequest } from '../faults.ts';
import { type FilterRules, type ListFilters, refuseNonAscii, refuseUnlisted, selectionOf } from '../filters.ts';
import { PAGE_KEYS, SORT_KEYS } from '../pagination.ts';
import { parseLiteral } from '../python-literal.ts';
import type { SortFields } from '../sorting.ts';
import { USER_VISIBLE_SPECS } from './views.ts';

/** Columns that administrators may filter by, besides the two that everybody may. */
export const TYPE_FILTERS: FilterRules = {
  fields: {
    id: { field: 'id', kind: 'raw' },
    name: { field: 'name', kind: 'raw' },
    description: { field: 'description', kind: 'raw' },
    qos_specs_id: { field: 'qosSpecsId', kind: 'nothing' },
  },
  allowed: new Set(['is_public', 'extra_specs']),
};

export const TYPE_SORT: SortFields = {
  name: 'name',
  description: 'description',
  is_public: 'isPublic',
  updated_at: 'updatedAt',
  qos_specs_id: 'qosSpecsId',
};

/** From here on the filters are the configured ones (microversions.json type-extra-spec-filter). */
const CONFIGURED_FILTERS = 52;
const ZONES = 'RESKEY:availability_zones';
const NOTHING: ListFilters = { selection: { kind: 'nothing' }, withCount: false };

/** Types that a list shows: users see public ones, administrators those of the kind they ask for. Throws 400. */
export function selectTypes(call: Call): ListFilters {
  const { isAdmin } = call.caller;
  const remaining = new Map(Object.entries(call.query));
  for (const key of [...PAGE_KEYS, ...SORT_KEYS]) remaining.delete(key);
  const configured = call.microversion >= CONFIGURED_FILTERS;
  if (configured) refuseNonAscii([...remaining.keys()]);
  if (configured && !isAdmin) refuseUnlisted([...remaining.keys()], (key) => TYPE_FILTERS.allowed.has(key));
  const isPublic = isAdmin ? isPublicOf(remaining.get('is_public')) : true;
  const specs = configured ? remaining.get('extra_specs') : undefined;
  for (const key of TYPE_FILTERS.allowed) remaining.delete(key);
  if (!isAdmin) remaining.clear();
  const specConditions = specs === undefined ? {} : specConditionsOf(call, specs);
  const selection = selectionOf(call, TYPE_FILTERS, remaining, null);
  if (selection.kind === 'nothing' || specConditions === null) return NOTHING;
  const where = { ...selection.where, ...specConditions, ...(isPublic === null ? {} : { isPublic: { eq: isPublic } }) };
  return { selection: { ...selection, where }, withCount: false };
}

/** `None` asks for both kinds (null); nothing for the public ones. */
function isPublicOf(text: string | undefined): boolean | null {
  if (text === undefined) return true;
  if (text.trim().toLowerCase() === 'none') return null;
  const value = booleanOf(text);
  if (value === undefined) throw badRequest(`Invalid is_public filter [${text}]`);
  return value;
}

/** All pairs must be there; of zones, which are a list in one text, the text must hold it. Null: nothing can match. */
function specConditionsOf(call: Call, text: string): Where | null {
  const literal = parseLiteral(text);
  if (typeof literal !== 'object' || literal === null || Array.isArray(literal)) {
    throw badRequest(`Invalid extra_specs filter [${text}]`);
  }
  const pairs = Object.entries(literal).map(([key, value]) => [key, String(value)] as const);
  const sensitive = can(call, 'volume_extension:types_extra_specs:read_sensitive');
  if (!sensitive && pairs.some(([key]) => !USER_VISIBLE_SPECS.has(key))) return null;
  const zones = pairs.find(([key]) => key === ZONES)?.[1];
  const exact = Object.fromEntries(pairs.filter(([key]) => key !== ZONES));
  const conditions: Record<string, Condition> = { extraSpecs: { hasPairs: exact } };
  if (zones !== undefined) conditions[`extraSpecs.${ZONES}`] = { contains: zones };
  return conditions;
}
