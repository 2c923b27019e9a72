import { accepted, type Decider, type Decision, rejected } from '../kernel/decider.ts';
import { emptyIdMap, getById, type IdMap, putById } from '../kernel/id-map.ts';
import { reject } from '../kernel/rejection.ts';
import { MAX_INT } from '../kernel/units.ts';
import type { QuotaClassesCommand } from './commands.ts';
import { type QuotaClassesEvent, quotaClassesEvents } from './events.ts';

export type { QuotaClassesCommand } from './commands.ts';
export type { QuotaClassesEvent } from './events.ts';

/** The class whose limits are every project's defaults (contract/quota.md §2). */
export const DEFAULT_QUOTA_CLASS = 'default';

type Limits = Readonly<Record<string, number>>;

/** Limits by class name. */
export type QuotaClasses = IdMap<Limits>;

/** The limits of one class; none for a name that was never set, which is not an error. */
export const limitsOfClass = (state: QuotaClasses, className: string): Limits => getById(state, className) ?? {};

function decideQuotaClasses(
  { className, limits }: QuotaClassesCommand,
  state: QuotaClasses,
): Decision<QuotaClassesEvent> {
  const asked = Object.entries(limits);
  const wrong = asked.find(([, limit]) => !Number.isInteger(limit) || limit < -1 || limit > MAX_INT);
  if (wrong !== undefined) {
    return rejected(reject('InvalidQuota', { reason: `${wrong[0]} must be an integer from -1 to ${MAX_INT}` }));
  }
  const before = limitsOfClass(state, className);
  if (asked.every(([resource, limit]) => Object.hasOwn(before, resource) && before[resource] === limit))
    return accepted();
  return accepted({ type: 'QuotaClassLimitsSet', data: { className, limits: { ...before, ...limits } } });
}

function evolveQuotaClasses(state: QuotaClasses, event: QuotaClassesEvent): QuotaClasses {
  switch (event.type) {
    case 'QuotaClassLimitsSet':
      return putById(state, event.data.className, event.data.limits);
  }
}

export const quotaClassesDecider: Decider<QuotaClassesCommand, QuotaClasses, QuotaClassesEvent> = {
  initial: emptyIdMap,
  decide: decideQuotaClasses,
  evolve: evolveQuotaClasses,
};

/** Limits of all quota classes, on the stream `quotaClasses`. */
export const quotaClasses = { decider: quotaClassesDecider, catalogue: quotaClassesEvents };
