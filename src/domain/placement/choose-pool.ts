import { FILTERS } from './filters.ts';
import type { PlacementOptions } from './options.ts';
import { poolAddressOf } from './pool-facts.ts';
import type { PoolReport } from './pool-report.ts';
import type { PlacementRequest, PoolRefusal } from './request.ts';
import { type Random, weighPools } from './weighers.ts';

export type PoolChoice =
  | {
      readonly kind: 'chosen';
      /** `host@backend#pool`. */
      readonly pool: string;
      readonly report: PoolReport;
      /** All pools that may take it, the chosen one first. */
      readonly ranked: readonly { readonly pool: string; readonly weight: number }[];
      /** Why the others may not. */
      readonly reasons: readonly PoolRefusal[];
    }
  | { readonly kind: 'refused'; readonly reasons: readonly PoolRefusal[] };

export interface FilteredPools {
  readonly passing: readonly PoolReport[];
  readonly reasons: readonly PoolRefusal[];
}

/** Sorts pools into those that pass all filters and those that do not, each with the first filter that refused it. */
export function filterPools(
  request: PlacementRequest,
  pools: readonly PoolReport[],
  options: Pick<PlacementOptions, 'filters'>,
): FilteredPools {
  const passing: PoolReport[] = [];
  const reasons: PoolRefusal[] = [];
  for (const report of pools) {
    const refusal = refusalOf(report, request, options);
    if (refusal === null) passing.push(report);
    else reasons.push(refusal);
  }
  return { passing, reasons };
}

function refusalOf(
  report: PoolReport,
  request: PlacementRequest,
  options: Pick<PlacementOptions, 'filters'>,
): PoolRefusal | null {
  for (const filter of options.filters) {
    const verdict = FILTERS[filter](report, request);
    if (!verdict.passes) return { pool: report.pool, filter, reason: verdict.reason, figures: verdict.figures };
  }
  return null;
}

/** Whether a pool is the one that a request is bound to; a bond without a pool binds to its backend. */
const isBoundTo = (pool: string, resourceBackend: string): boolean =>
  resourceBackend.includes('#') ? pool === resourceBackend : poolAddressOf(pool).backend === resourceBackend;

/**
 * Chooses the pool for a request among those whose services are up: filter, weigh, keep what the request is bound to,
 * tried pools last. A refusal names for each pool the filter that refused it. (contract/scheduler.md §3 to §7)
 */
export function choosePool(
  request: PlacementRequest,
  pools: readonly PoolReport[],
  options: PlacementOptions,
  random: Random,
): PoolChoice {
  const { passing, reasons } = filterPools(request, pools, options);
  const weighed = weighPools(passing, request, options, random);
  const bond = request.resourceBackend;
  const allowed = bond === null ? weighed : weighed.filter(({ report }) => isBoundTo(report.pool, bond));
  const wasTried = (pool: string): boolean => request.triedPools.includes(pool);
  const ranked = allowed.toSorted((a, b) => Number(wasTried(a.report.pool)) - Number(wasTried(b.report.pool)));
  const [best] = ranked;
  const allReasons = [...reasons, ...unboundReasons(passing, bond), ...unusableReasons(request)];
  if (best === undefined) return { kind: 'refused', reasons: allReasons };
  return {
    kind: 'chosen',
    pool: best.report.pool,
    report: best.report,
    ranked: ranked.map(({ report, weight }) => ({ pool: report.pool, weight })),
    reasons: allReasons,
  };
}

function unboundReasons(passing: readonly PoolReport[], bond: string | null): readonly PoolRefusal[] {
  if (bond === null) return [];
  return passing
    .filter(({ pool }) => !isBoundTo(pool, bond))
    .map(({ pool }) => ({
      pool,
      filter: 'ResourceBackend',
      reason: `it must be placed on ${bond}`,
      figures: { resourceBackend: bond },
    }));
}

const unusableReasons = (request: PlacementRequest): readonly PoolRefusal[] =>
  (request.unusablePools ?? []).map(({ pool, reason }) => ({ pool, filter: 'ServiceState', reason, figures: {} }));

/** Pools named in one explanation; what is beyond is counted. */
const MAX_EXPLAINED = 20;

/** What each pool was refused for and by which filter, on one line: for user messages, timelines and logs. */
export function explainRefusal(reasons: readonly PoolRefusal[]): string {
  if (reasons.length === 0) return 'No storage pool is known.';
  const listed = reasons.slice(0, MAX_EXPLAINED).map(({ pool, filter, reason }) => `${pool}: ${reason} (${filter})`);
  const beyond = reasons.length - listed.length;
  return `${listed.join('; ')}${beyond > 0 ? `; and ${beyond} more pools` : ''}.`;
}
