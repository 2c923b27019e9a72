import { type Figures, fits } from './capacity.ts';
import { evaluateExpression, isTruthy } from './expression.ts';
import { unmetSpec } from './extra-specs.ts';
import { answerQuery } from './json-query.ts';
import type { FilterName } from './options.ts';
import { capabilitiesOf, type PoolFacts, poolAddressOf, poolStateOf, statsOf } from './pool-facts.ts';
import type { PoolReport } from './pool-report.ts';
import { isUuidLike } from './python-values.ts';
import { type PlacementRequest, provisioningTypeOf } from './request.ts';

export type FilterVerdict =
  | { readonly passes: true }
  | { readonly passes: false; readonly reason: string; readonly figures: Figures };

/** Whether one pool may take a request, and if not, why (contract/scheduler.md §3, §4). */
export type Filter = (report: PoolReport, request: PlacementRequest) => FilterVerdict;

const pass: FilterVerdict = { passes: true };

const refuse = (reason: string, figures: Figures = {}): FilterVerdict => ({ passes: false, reason, figures });

const passIf = (condition: boolean, reason: string, figures: Figures = {}): FilterVerdict =>
  condition ? pass : refuse(reason, figures);

const availabilityZone: Filter = (report, { availabilityZones }) =>
  passIf(
    availabilityZones.length === 0 || availabilityZones.includes(report.availabilityZone),
    `it is in zone ${report.availabilityZone}, not in ${availabilityZones.join(', ')}`,
    { availabilityZone: report.availabilityZone, wanted: availabilityZones.join(', ') },
  );

const capacity: Filter = (report, request) => {
  if (request.existsOn === report.pool) return pass;
  const verdict = fits(report, request.sizeGiB, provisioningTypeOf(request));
  return verdict.fits ? pass : refuse(verdict.reason, verdict.figures);
};

const capabilities: Filter = (report, request) => {
  const reported = capabilitiesOf(report);
  if (request.operation === 'extend' && request.attached === true && reported.online_extend_support === false) {
    return refuse('its backend cannot extend an attached volume');
  }
  const unmet = unmetSpec(reported, request.volumeType?.extraSpecs ?? {});
  return unmet === null ? pass : refuse(unmet.reason, unmet.figures);
};

/**
 * Runs a backend's own function over its facts: once, or once for each spelling of its protocol where the function
 * names the protocol and there are several.
 */
export function variablesByProtocol(
  source: string,
  report: PoolReport,
  request: PlacementRequest,
  stats: PoolFacts,
): readonly Readonly<Record<string, PoolFacts>>[] {
  const variables = {
    stats,
    capabilities: capabilitiesOf(report),
    extra: request.volumeType?.extraSpecs ?? {},
    qos: request.qos,
    volume: request.volume,
  };
  const spellings = stats.storage_protocol;
  if (!source.includes('storage_protocol') || !Array.isArray(spellings)) return [variables];
  return spellings.map((spelling: unknown) => ({
    ...variables,
    stats: { ...variables.stats, storage_protocol: spelling },
    capabilities: { ...variables.capabilities, storage_protocol: spelling },
  }));
}

const driver: Filter = (report, request) => {
  const source = report.filterFunction;
  if (source === null) return pass;
  const evaluations = variablesByProtocol(source, report, request, statsOf(report)).map((variables) =>
    evaluateExpression(source, variables),
  );
  if (evaluations.some((evaluation) => evaluation.kind === 'value' && isTruthy(evaluation.value))) return pass;
  const failed = evaluations.find((evaluation) => evaluation.kind === 'error');
  if (failed === undefined) return refuse(`its filter function is false: ${source}`, { filterFunction: source });
  return refuse(`its filter function fails: ${failed.reason}`, { filterFunction: source, error: failed.reason });
};

const json: Filter = (report, { hints }) => {
  const answer = answerQuery(hints.query, poolStateOf(report));
  if (answer.kind === 'error') return refuse(answer.reason, { query: String(hints.query) });
  return passIf(answer.passes, 'it does not answer the query of the hint', { query: String(hints.query) });
};

/** The volumes that an affinity hint names, as text; null where any of it is not the id of one. */
function volumesOf(hint: unknown): readonly string[] | null {
  const ids: readonly unknown[] = Array.isArray(hint) ? hint : [hint];
  return ids.every(isUuidLike) ? ids : null;
}

const affinity =
  (hintName: 'same_host' | 'different_host', wanted: 'some' | 'none', reason: string): Filter =>
  (report, { hints, volumePools }) => {
    if (!Object.hasOwn(hints, hintName)) return pass;
    const ids = volumesOf(hints[hintName]);
    if (ids === null) return refuse(`the hint ${hintName} is not a volume id`, { hint: hintName });
    if (ids.length === 0) return pass;
    const lives = ids.some((id) => Object.hasOwn(volumePools, id) && volumePools[id] === report.pool);
    return passIf(lives === (wanted === 'some'), reason, { [hintName]: ids.join(', ') });
  };

const instanceLocality: Filter = (report, { hints, instanceHost }) => {
  const instance = hints.local_to_instance;
  if (instance === undefined || instance === null || instance === '') return pass;
  if (!isUuidLike(instance)) return refuse('the hint local_to_instance is not an instance id');
  if (instanceHost === null) return refuse(`the host of instance ${instance} is not known`, { instance });
  const { host } = poolAddressOf(report.pool);
  return passIf(host === instanceHost, `instance ${instance} runs on ${instanceHost}`, {
    instance,
    instanceHost,
    host,
  });
};

const retry: Filter = (report, { triedPools }) =>
  passIf(!triedPools.includes(report.pool), 'it was tried already', { attempts: triedPools.length });

export const FILTERS: Readonly<Record<FilterName, Filter>> = {
  AvailabilityZoneFilter: availabilityZone,
  CapacityFilter: capacity,
  CapabilitiesFilter: capabilities,
  DriverFilter: driver,
  JsonFilter: json,
  SameBackendFilter: affinity('same_host', 'some', 'none of the volumes of the hint same_host is on it'),
  DifferentBackendFilter: affinity('different_host', 'none', 'a volume of the hint different_host is on it'),
  InstanceLocalityFilter: instanceLocality,
  RetryFilter: retry,
  IgnoreAttemptedHostsFilter: retry,
};
