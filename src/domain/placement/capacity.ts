import type { GiB } from '../kernel/units.ts';
import type { Capacity, PoolReport } from './pool-report.ts';

/** Numbers and words that back a refusal, for programs and for people. */
export type Figures = Readonly<Record<string, string | number>>;

export type CapacityVerdict =
  | { readonly fits: true }
  | { readonly fits: false; readonly reason: string; readonly figures: Figures };

/** The original's ratio for `auto` while nothing is provisioned. */
const INITIAL_AUTO_RATIO = 20;

const round2 = (value: number): number => Number(value.toFixed(2));

/**
 * How far a pool may be over-subscribed (contract/scheduler.md §3). `auto` follows what the last report measured, not
 * what was claimed since: used space is only known from there.
 */
export function overSubscriptionRatio(report: PoolReport): number {
  const { totalCapacityGiB: total, freeCapacityGiB: free, provisionedAtReportGiB: provisioned } = report;
  if (!report.thinProvisioning || typeof total !== 'number' || typeof free !== 'number') return 1;
  if (report.maxOverSubscriptionRatio !== 'auto') return report.maxOverSubscriptionRatio;
  return provisioned === 0 ? INITIAL_AUTO_RATIO : 1 + provisioned / (total - free + 1);
}

/** Free space in GiB as last measured, less what was claimed since; what was given back since counts at the next report. */
export function freeSinceReportGiB(report: PoolReport): Capacity {
  if (typeof report.freeCapacityGiB !== 'number') return report.freeCapacityGiB;
  return report.freeCapacityGiB - Math.max(0, report.provisionedCapacityGiB - report.provisionedAtReportGiB);
}

const isThin = (report: PoolReport, provisioningType: string | null): boolean =>
  report.thinProvisioning && provisioningType !== 'thick';

const reservedGiB = (report: PoolReport, totalGiB: number): number =>
  Math.floor((totalGiB * report.reservedPercentage) / 100);

function virtualFreeOf(report: PoolReport, totalGiB: number, freeGiB: number, thin: boolean): number {
  const availableGiB = totalGiB - reservedGiB(report, totalGiB);
  if (thin) return round2(availableGiB * overSubscriptionRatio(report) - report.provisionedCapacityGiB);
  return round2(Math.min(freeGiB, availableGiB - report.provisionedCapacityGiB));
}

/**
 * GiB that may still be promised on a pool, to two decimals; null where the pool states no number for total or free.
 * `provisioningType` is the type's extra spec `provisioning:type`, null where it has none. (contract/scheduler.md §3)
 */
export function virtualFreeGiB(report: PoolReport, provisioningType: string | null): number | null {
  const free = freeSinceReportGiB(report);
  if (typeof report.totalCapacityGiB !== 'number' || typeof free !== 'number') return null;
  return virtualFreeOf(report, report.totalCapacityGiB, free, isThin(report, provisioningType));
}

const refuse = (reason: string, figures: Figures): CapacityVerdict => ({ fits: false, reason, figures });

/**
 * Whether `requestedGiB` more fit on a pool: the size of a volume or snapshot, the growth of an extension; 0 always
 * fits. The one test behind the capacity filter and the pool's ledger (contract/scheduler.md §3, steps 2 to 8). A ledger
 * passes the report with `provisionedCapacityGiB` as its own total of now.
 */
export function fits(report: PoolReport, requestedGiB: GiB, provisioningType: string | null): CapacityVerdict {
  if (requestedGiB === 0) return { fits: true };
  const total = report.totalCapacityGiB;
  const free = freeSinceReportGiB(report);
  if (typeof free !== 'number') return { fits: true };
  if (typeof total !== 'number') {
    if (report.reservedPercentage === 0) return { fits: true };
    return refuse(`${report.reservedPercentage}% of its capacity is reserved, but its total is ${total}`, {
      requestedGiB,
      totalGiB: total,
      reservedPercentage: report.reservedPercentage,
    });
  }
  if (total <= 0) return refuse(`its total capacity is ${total} GiB`, { requestedGiB, totalGiB: total });
  const thin = isThin(report, provisioningType);
  const ratio = overSubscriptionRatio(report);
  if (thin && ratio < 1) {
    return refuse(`its over-subscription ratio ${ratio} is below 1`, { requestedGiB, overSubscriptionRatio: ratio });
  }
  // The original's test of the ratio comes before this one and is never the stricter of the two.
  const virtualFree = virtualFreeOf(report, total, free, thin);
  if (virtualFree >= requestedGiB) return { fits: true };
  return refuse(describeShortage(report, requestedGiB, virtualFree, thin ? ratio : null), {
    requestedGiB,
    virtualFreeGiB: virtualFree,
    totalGiB: total,
    freeGiB: free,
    provisionedGiB: report.provisionedCapacityGiB,
    reservedGiB: reservedGiB(report, total),
    ...(thin ? { overSubscriptionRatio: ratio } : {}),
  });
}

function describeShortage(
  report: PoolReport,
  requestedGiB: GiB,
  virtualFree: number,
  thinRatio: number | null,
): string {
  const kind = thinRatio === null ? 'thick' : `thin, over-subscription ratio ${round2(thinRatio)}`;
  return (
    `${requestedGiB} GiB requested, ${virtualFree} GiB free of ${String(report.totalCapacityGiB)} GiB ` +
    `(${kind}, ${report.provisionedCapacityGiB} GiB provisioned, ${report.reservedPercentage}% reserved)`
  );
}
