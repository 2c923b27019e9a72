import { virtualFreeGiB } from './capacity.ts';
import { evaluateExpression } from './expression.ts';
import { variablesByProtocol } from './filters.ts';
import type { PlacementOptions, WeigherName } from './options.ts';
import { goodnessStatsOf } from './pool-facts.ts';
import type { PoolReport } from './pool-report.ts';
import { type PlacementRequest, provisioningTypeOf } from './request.ts';

/** A draw from [0, 1): randomness is handed in. */
export type Random = () => number;

export interface WeighedPool {
  readonly report: PoolReport;
  readonly weight: number;
}

interface Weighing {
  readonly reports: readonly PoolReport[];
  readonly request: PlacementRequest;
  readonly options: PlacementOptions;
  readonly random: Random;
}

/** One way to weigh pools; higher wins (contract/scheduler.md §5). */
interface Weigher {
  /** One raw weight for each report. */
  readonly weigh: (weighing: Weighing) => readonly number[];
  readonly multiplier: (options: PlacementOptions) => number;
}

/** A pool that states no capacity stands behind all others when free space attracts, and before them when it repels. */
function weighCapacity({ reports, request, options }: Weighing): readonly number[] {
  const unstated = options.capacityWeightMultiplier > 0 ? -1 : Number.POSITIVE_INFINITY;
  const raw = reports.map((report) => virtualFreeGiB(report, provisioningTypeOf(request)) ?? unstated);
  const stated = raw.filter(Number.isFinite);
  const highest = Math.max(...stated);
  const spread = highest - Math.min(...stated);
  const beyondAll = stated.length === 0 ? 0 : highest + (spread === 0 ? 10_000 : spread * 100);
  return raw.map((weight) => (Number.isFinite(weight) ? weight : beyondAll));
}

function goodnessOf(report: PoolReport, request: PlacementRequest): number {
  const source = report.goodnessFunction;
  if (source === null) return 0;
  const ratings = variablesByProtocol(source, report, request, goodnessStatsOf(report)).map((variables) => {
    const evaluation = evaluateExpression(source, variables);
    if (evaluation.kind === 'error') return 0;
    if (typeof evaluation.value === 'boolean') return evaluation.value ? 100 : 0;
    return typeof evaluation.value === 'number' && evaluation.value >= 0 && evaluation.value <= 100
      ? evaluation.value
      : 0;
  });
  return Math.max(...ratings);
}

const WEIGHERS: Readonly<Record<WeigherName, Weigher>> = {
  CapacityWeigher: { weigh: weighCapacity, multiplier: (options) => options.capacityWeightMultiplier },
  AllocatedCapacityWeigher: {
    weigh: ({ reports }) => reports.map((report) => report.allocatedCapacityGiB),
    multiplier: (options) => options.allocatedCapacityWeightMultiplier,
  },
  VolumeNumberWeigher: {
    weigh: ({ reports }) => reports.map((report) => report.volumeCount),
    multiplier: (options) => options.volumeNumberMultiplier,
  },
  ChanceWeigher: { weigh: ({ reports, random }) => reports.map(() => random()), multiplier: () => 1 },
  GoodnessWeigher: {
    weigh: ({ reports, request }) => reports.map((report) => goodnessOf(report, request)),
    multiplier: () => 1,
  },
};

/** (x − min) / (max − min) of each weight: 0 to 1, and all 0 where they are equal. */
export function normalizeWeights(weights: readonly number[]): readonly number[] {
  const lowest = Math.min(...weights);
  const range = Math.max(...weights) - lowest;
  return weights.map((weight) => (range === 0 ? 0 : (weight - lowest) / range));
}

/** Each pool with its sum of multiplier × weight, in the order of the reports. */
function totalWeights(
  weighing: Weighing,
  scale: (weights: readonly number[]) => readonly number[],
): readonly WeighedPool[] {
  const unweighed = weighing.reports.map((report): WeighedPool => ({ report, weight: 0 }));
  return weighing.options.weighers.reduce((weighed, name) => {
    const { weigh, multiplier } = WEIGHERS[name];
    const weights = scale(weigh(weighing));
    const factor = multiplier(weighing.options);
    return weighed.map(({ report, weight }, index) => ({ report, weight: weight + factor * Number(weights[index]) }));
  }, unweighed);
}

/** The winner is drawn with a probability of weight / total; the others follow in rotated order. */
function draw(pools: readonly WeighedPool[], random: Random): readonly WeighedPool[] {
  const total = pools.reduce((sum, pool) => sum + pool.weight, 0);
  const drawn = random() * total;
  let reached = 0;
  const winner = pools.findIndex((pool) => {
    reached += pool.weight;
    return reached > drawn;
  });
  const first = Math.max(0, winner);
  return [...pools.slice(first), ...pools.slice(0, first)];
}

/**
 * Pools by preference, the best first. `ordered`: sum of multiplier × normalised weight, sorted stably. `stochastic`:
 * the weights are not normalised, and the winner is drawn. (contract/scheduler.md §5)
 */
export function weighPools(
  reports: readonly PoolReport[],
  request: PlacementRequest,
  options: PlacementOptions,
  random: Random,
): readonly WeighedPool[] {
  const weighing = { reports, request, options, random };
  if (options.weightHandler === 'stochastic')
    return draw(
      totalWeights(weighing, (weights) => weights),
      random,
    );
  return totalWeights(weighing, normalizeWeights).toSorted((a, b) => b.weight - a.weight);
}
