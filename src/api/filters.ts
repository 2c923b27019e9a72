import type { Condition, Scalar, Where } from '../ports/read-store.ts';
import { booleanOf, booleanParam } from './booleans.ts';
import type { Call } from './call.ts';
import { badRequest } from './faults.ts';
import { PAGE_KEYS, SORT_KEYS } from './pagination.ts';
import { type Literal, parseLiteral } from './python-literal.ts';
import { timeConditionOf } from './time-filters.ts';

/**
 * How a query key becomes a condition. `raw` text is compared as sent; `text`, `integer` and `pairs` pass through the
 * literal parser first; `nothing` is a column that no document has a value for: only `None` matches.
 */
export type FilterKind = 'raw' | 'text' | 'integer' | 'boolean' | 'strict-boolean' | 'pairs' | 'time' | 'nothing';

export interface FilterField {
  readonly field: string;
  readonly kind: FilterKind;
  /** What a fault calls it where that is not the query's key. */
  readonly called?: string;
  /** Below 3.31 the key is dropped before this microversion; from 3.31 it works at every version. */
  readonly since?: number;
}

/** The filters of one collection (contract/errors.md §5). */
export interface FilterRules {
  /** Every key that names something, administrators may use all of them. */
  readonly fields: Readonly<Record<string, FilterField>>;
  /** Keys that everybody may use; `key~` in here allows the inexact form too. */
  readonly allowed: ReadonlySet<string>;
}

/** What a list shows: documents of a project (null: of all) that match, or nothing at all. */
export type Selection =
  | { readonly kind: 'matching'; readonly projectId: string | null; readonly where: Where }
  | { readonly kind: 'nothing' };

const CONFIGURABLE_FILTERS = 31;
const INEXACT_FILTERS = 34;
const WITH_COUNT = 45;
const STRICT_BOOLEANS = 2;

const NOTHING: Selection = { kind: 'nothing' };

export interface ListFilters {
  readonly selection: Selection;
  readonly withCount: boolean;
}

/** The documents a list query means: the caller's project (or all of them), and every filter. Throws 400s. */
export function listFiltersOf(call: Call, rules: FilterRules): ListFilters {
  const remaining = new Map(Object.entries(call.query));
  for (const key of [...PAGE_KEYS, ...SORT_KEYS]) remaining.delete(key);
  const counts = call.microversion >= WITH_COUNT && remaining.delete('with_count');
  const withCount = counts && booleanParam(call.query, 'with_count');
  refuseUnknown(call, rules, remaining);
  const everywhere = call.caller.isAdmin && booleanParam(call.query, 'all_tenants');
  remaining.delete('all_tenants');
  const projectId = everywhere ? null : call.caller.projectId;
  return { selection: selectionOf(call, rules, remaining, projectId), withCount };
}

/** From 3.31 a filter outside the allowed ones is refused to users, below it is dropped; administrators keep all. */
function refuseUnknown(call: Call, rules: FilterRules, remaining: Map<string, string>): void {
  const { microversion, caller } = call;
  const keys = [...remaining.keys()];
  if (microversion >= CONFIGURABLE_FILTERS) {
    refuseNonAscii(keys);
    if (!caller.isAdmin) refuseUnlisted(keys, (key) => isAllowed(rules, key, microversion));
    return;
  }
  for (const key of keys) {
    const tooEarly = microversion < (rules.fields[key]?.since ?? 0);
    if (tooEarly || (!caller.isAdmin && !rules.allowed.has(key))) remaining.delete(key);
  }
}

export function refuseNonAscii(keys: readonly string[]): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is exactly this range
  if (keys.some((key) => !/^[\x00-\x7f]*$/.test(key)))
    throw badRequest('Filter keys can only contain ASCII characters.');
}

/** Throws the 400 that names every key outside the allowed ones; `all_tenants` alone is passed over. */
export function refuseUnlisted(keys: readonly string[], isAllowed: (key: string) => boolean): void {
  const refused = keys.filter((key) => key !== 'all_tenants' && !isAllowed(key));
  if (refused.length > 0) throw badRequest(`Invalid filters ${refused.join(',')} are found in query options.`);
}

const isAllowed = ({ allowed }: FilterRules, key: string, microversion: number): boolean =>
  allowed.has(key) || (microversion >= INEXACT_FILTERS && allowed.has(`${key}~`));

/** The documents that every filter matches, of a project or (null) of all. */
export function selectionOf(
  call: Call,
  rules: FilterRules,
  filters: ReadonlyMap<string, string>,
  projectId: string | null,
): Selection {
  const where: Record<string, Condition> = projectId === null ? {} : { projectId: { eq: projectId } };
  for (const [key, value] of filters) {
    const inexact = key.endsWith('~');
    const name = inexact ? key.slice(0, -1) : key;
    const rule = Object.hasOwn(rules.fields, name) ? rules.fields[name] : undefined;
    if (rule === undefined) return NOTHING;
    const condition = inexact ? inexactCondition(rule, value) : conditionOf(call, rule, key, value);
    if (condition === null) return NOTHING;
    const before = where[rule.field];
    if (before !== undefined && conflicts(before, condition)) return NOTHING;
    where[rule.field] = { ...before, ...condition };
  }
  return { kind: 'matching', projectId, where };
}

/** Two filters on one field (the caller's project and `project_id`): both must hold. */
const conflicts = (one: Condition, other: Condition): boolean =>
  one.eq !== undefined && other.eq !== undefined && one.eq !== other.eq;

const inexactCondition = (rule: FilterField, value: string): Condition | null =>
  rule.kind === 'raw' || rule.kind === 'text' ? { contains: value } : null;

/** The condition of one filter; null where nothing can match. */
function conditionOf(call: Call, rule: FilterField, key: string, value: string): Condition | null {
  switch (rule.kind) {
    case 'raw':
      return { eq: value };
    case 'strict-boolean':
      return { eq: booleanParam({ [key]: value }, key, rule.called ?? key) };
    case 'boolean':
      return { eq: looseBoolean(call, key, value) };
    case 'time':
      return timeConditionOf(value);
    case 'pairs':
      return pairsCondition(value);
    case 'nothing':
      return parseLiteral(value) === null ? {} : null;
    case 'integer':
      return scalarCondition(parseLiteral(value) ?? value, integerOf);
    case 'text':
      return scalarCondition(parseLiteral(value) ?? literalText(value), textOf);
  }
}

/** `None` is a literal of its own and not the absence of one. */
const literalText = (value: string): Literal => (value.trim() === 'None' ? null : value);

function looseBoolean(call: Call, key: string, value: string): boolean {
  if (call.microversion < STRICT_BOOLEANS) return !['false', 'False', 'FALSE'].includes(value);
  const strict = booleanOf(value);
  if (strict === undefined) throw badRequest(`Invalid input received: '${key} = ${value}'`);
  return strict;
}

function scalarCondition(literal: Literal, convert: (literal: Literal) => Scalar | undefined): Condition | null {
  if (Array.isArray(literal)) {
    const values = literal.map(convert).filter((one) => one !== undefined);
    return values.length === 0 ? null : { in: values };
  }
  const value = convert(literal);
  return value === undefined ? null : { eq: value };
}

function integerOf(literal: Literal): Scalar | undefined {
  if (literal === null) return null;
  const value = typeof literal === 'number' ? literal : typeof literal === 'string' ? Number(literal) : Number.NaN;
  return Number.isInteger(value) ? value : undefined;
}

function textOf(literal: Literal): Scalar | undefined {
  if (literal === null || typeof literal === 'string') return literal;
  if (typeof literal === 'number') return String(literal);
  if (typeof literal === 'boolean') return literal ? 'True' : 'False';
  return undefined;
}

function pairsCondition(value: string): Condition | null {
  const literal = parseLiteral(value);
  if (typeof literal !== 'object' || literal === null || Array.isArray(literal)) return null;
  const pairs = Object.entries(literal).map(
    ([key, one]) => [key, typeof one === 'string' ? one : String(one)] as const,
  );
  return { hasPairs: Object.fromEntries(pairs) };
}
