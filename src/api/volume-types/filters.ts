import type { Condition, Where } from '../../ports/read-store.ts';
import { booleanOf } from '../booleans.ts';
import { type Call, can } from '../call.ts';
import { badRequest } from '../faults.ts';
import { type FilterRules, type ListFilters, refuseNonAscii, refuseUnlisted, selectionOf } from '../filters.ts';
import { PAGE_KEYS, SORT_KEYS } from '../pagination.ts';
import { parseLiteral } from '../python-literal.ts';
import type { SortFields } from '../sorting.ts';
import { allTypes } from './target.ts';
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
export async function selectTypes(call: Call): Promise<ListFilters> {
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
  const specPairs = specs === undefined ? {} : specPairsOf(specs);
  const selection = selectionOf(call, TYPE_FILTERS, remaining, null);
  if (selection.kind === 'nothing' || !mayFilterBy(call, specPairs)) return NOTHING;
  const where = {
    ...selection.where,
    ...(await specConditions(call, specPairs, selection.where.id)),
    ...(isPublic === null ? {} : { isPublic: { eq: isPublic } }),
  };
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

type Pairs = Readonly<Record<string, string>>;

function specPairsOf(text: string): Pairs {
  const literal = parseLiteral(text);
  if (typeof literal === 'object' && literal !== null && !Array.isArray(literal)) {
    return Object.fromEntries(Object.entries(literal).map(([key, value]) => [key, String(value)]));
  }
  throw badRequest(`Invalid extra_specs filter [${text}]`);
}

/** By an extra spec that the caller may not see no type is found: which have it would tell. */
const mayFilterBy = (call: Call, pairs: Pairs): boolean =>
  can(call, 'volume_extension:types_extra_specs:read_sensitive') ||
  Object.keys(pairs).every((key) => USER_VISIBLE_SPECS.has(key));

/** All pairs must be there; zones are a list in one text, which must hold the one that is asked for. */
async function specConditions(call: Call, { [ZONES]: zone, ...pairs }: Pairs, id: Condition = {}): Promise<Where> {
  const exact: Where = Object.keys(pairs).length === 0 ? {} : { extraSpecs: { hasPairs: pairs } };
  if (zone === undefined) return exact;
  const inZone = (await allTypes(call)).filter(({ extraSpecs }) => extraSpecs[ZONES]?.includes(zone) === true);
  return { ...exact, id: { ...id, in: inZone.map((type) => type.id) } };
}
