import { type Rejection, reject } from '../kernel/rejection.ts';
import { type GiB, MAX_INT } from '../kernel/units.ts';
import { resourceName } from './amounts.ts';
import type { QuotaDefaults } from './commands.ts';
import type { Amounts } from './events.ts';
import type { QuotaLedger } from './state.ts';

/** The limit that applies: the project's own, else the default; -1 is unlimited (contract/quota.md §2). */
export const limitOf = (limits: Amounts, defaults: QuotaDefaults, resource: string): number =>
  limits[resource] ?? defaults.limits[resource] ?? -1;

/** VolumeSizeExceedsLimit when one volume of this size is more than the project's `per_volume_gigabytes`. */
export function perVolumeRefusal(ledger: QuotaLedger, defaults: QuotaDefaults, sizeGiB: GiB): Rejection | null {
  const limit = limitOf(ledger.limits, defaults, 'per_volume_gigabytes');
  return limit >= 0 && limit < sizeGiB ? reject('VolumeSizeExceedsLimit', { requested: sizeGiB, limit }) : null;
}

/**
 * The refusal of a charge that goes over a limit, by the alphabetically first resource that is over (contract/quota.md
 * §4 and §6, errors.md §7). A zero amount is over too where the project already is; the API's largest number is a
 * limit even where there is none.
 */
export function overLimitRefusal(
  ledger: QuotaLedger,
  amounts: Amounts,
  defaults: QuotaDefaults,
  resource: 'volume' | 'snapshot' | 'growth',
): Rejection | null {
  const over = Object.entries(amounts)
    .map(([key, amount]) => {
      const limit = limitOf(ledger.limits, defaults, key);
      const consumed = ledger.charged[key] ?? 0;
      return {
        key,
        resource: resourceName(key, defaults.typeNames),
        requested: amount,
        consumed,
        limit: limit < 0 ? MAX_INT : limit,
      };
    })
    .filter(({ limit, requested, consumed }) => limit < requested + consumed)
    .sort((a, b) => (a.resource < b.resource ? -1 : 1));
  const [first] = over;
  if (first === undefined) return null;
  if (resource === 'growth')
    return reject('VolumeSizeExceedsAvailableQuota', plainGigabytes(ledger, amounts, defaults));
  const { key, ...details } = first;
  if (key.startsWith('gigabytes')) return reject('VolumeSizeExceedsAvailableQuota', details);
  return reject(key.startsWith('snapshots') ? 'SnapshotLimitExceeded' : 'VolumeLimitExceeded', details);
}

/** An extension over its quota always shows these, even when only those of its type ran out (contract/errors.md §7). */
const plainGigabytes = (ledger: QuotaLedger, amounts: Amounts, defaults: QuotaDefaults) => ({
  resource: 'gigabytes',
  requested: amounts.gigabytes,
  limit: limitOf(ledger.limits, defaults, 'gigabytes'),
  consumed: ledger.charged.gigabytes ?? 0,
});
