import {
  type Amounts,
  COUNTED_RESOURCES,
  limitOf,
  QUOTA_RESOURCES,
  type QuotaDefaults,
  resourceName,
  typeResource,
} from '../../domain/quota/index.ts';
import { DEFAULT_QUOTA_CLASS } from '../../domain/quota-classes/index.ts';
import type { Call } from '../call.ts';
import { allTypes } from '../volume-types/target.ts';

/** The resources of quota as the API names them, per type by the type's name (contract/quota.md §1, §2). */
export interface QuotaNames {
  /** Key in the ledger by name in the API. */
  readonly keys: ReadonlyMap<string, string>;
  readonly typeNames: QuotaDefaults['typeNames'];
}

/** Every resource there is now: the plain ones, and three for each volume type, private ones included. */
export async function quotaNames(call: Call): Promise<QuotaNames> {
  const typeNames = Object.fromEntries((await allTypes(call)).map(({ id, name }) => [id, name]));
  const ofTypes = Object.keys(typeNames).flatMap((id) =>
    COUNTED_RESOURCES.map((resource) => typeResource(resource, id)),
  );
  const keys = [...QUOTA_RESOURCES, ...ofTypes].map((key) => [resourceName(key, typeNames), key] as const);
  return { keys: new Map(keys), typeNames };
}

/** What applies where a project has no row of its own: the class named `default`, then the configuration. */
export async function defaultLimits(call: Call): Promise<Amounts> {
  const ofClass = await call.deps.queries.quotaClasses.get(DEFAULT_QUOTA_CLASS);
  return { ...call.deps.config.quotaDefaults, ...ofClass?.limits };
}

/** Limits by name in the API: own rows before the defaults, -1 where there is neither. */
export function limitsByName({ keys, typeNames }: QuotaNames, own: Amounts, defaults: Amounts): Record<string, number> {
  const effective = [...keys].map(([name, key]) => [name, limitOf(own, { limits: defaults, typeNames }, key)] as const);
  return Object.fromEntries(effective);
}

/** One resource of a project: its limit, and what it has in use and reserved. */
export interface QuotaUsage {
  readonly limit: number;
  readonly in_use: number;
  readonly reserved: number;
}

/** A project's quota by name in the API. */
export async function quotaOf(call: Call, projectId: string): Promise<Readonly<Record<string, QuotaUsage>>> {
  const [names, defaults, quota] = await Promise.all([
    quotaNames(call),
    defaultLimits(call),
    call.deps.queries.quotas.get(projectId),
  ]);
  const { limits = {}, charged = {}, reserved = {} } = quota ?? {};
  const rows = Object.entries(limitsByName(names, limits, defaults)).map(([name, limit]) => {
    const key = names.keys.get(name) ?? name;
    const held = reserved[key] ?? 0;
    return [name, { limit, in_use: (charged[key] ?? 0) - held, reserved: held }] as const;
  });
  return Object.fromEntries(rows);
}

/** The limits alone. */
export const limitsOnly = (quota: Readonly<Record<string, QuotaUsage>>): Record<string, number> =>
  Object.fromEntries(Object.entries(quota).map(([name, { limit }]) => [name, limit]));
