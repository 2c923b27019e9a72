import { z } from 'zod';
import { MAX_INT } from '../../domain/kernel/units.ts';
import { badRequest, type Fault } from '../faults.ts';
import { always } from '../schema-versions.ts';
import type { QuotaNames } from './resources.ts';

/** What the keys are is only known with the types there are: `limitsOfBody` checks them. */
export const quotaSetBody = always(() =>
  z.strictObject({
    quota_set: z.record(z.string(), z.unknown()).refine((set) => Object.keys(set).length > 0, {
      error: () => 'quota_set does not have enough properties',
    }),
  }),
);

/** Keys of a quota set that name its project and are no limits. */
const IGNORED: ReadonlySet<string> = new Set(['tenant_id', 'id']);
const INTEGER = /^\s*[+-]?\d+\s*$/;

/** The limits of a quota set by key of the ledger. Throws the 400 of an unknown key or a value that is no limit. */
export function limitsOfBody(set: Readonly<Record<string, unknown>>, { keys }: QuotaNames): Record<string, number> {
  const names = Object.keys(set).filter((name) => !IGNORED.has(name));
  refuseUnknownNames(names, keys, 'quota set');
  return Object.fromEntries(names.map((name) => [keys.get(name) ?? name, limitValue(name, set[name])]));
}

export function refuseUnknownNames(names: readonly string[], keys: QuotaNames['keys'], what: string): void {
  const bad = names.filter((name) => !keys.has(name));
  if (bad.length > 0) throw badRequest(`Invalid input received: Bad key(s) in ${what}: ${bad.join(', ')}`);
}

function limitValue(name: string, value: unknown): number {
  const isText = typeof value === 'string' && INTEGER.test(value);
  const limit = isText ? Number(value) : value;
  const refuse = (reason: string): Fault => badRequest(`${name} must be ${reason}`);
  if (typeof limit !== 'number' || !Number.isInteger(limit)) throw refuse('an integer');
  if (limit < -1) throw refuse('>= -1');
  if (limit > MAX_INT) throw refuse(`<= ${MAX_INT}`);
  return limit;
}
