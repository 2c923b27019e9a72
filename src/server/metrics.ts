import type { Metric } from '../api/dependencies.ts';
import type { RefusalRecorder } from '../commands/refusals.ts';
import type { ReadModelStatus } from '../projections/read-models.ts';
import { DRIFT_KINDS } from '../sagas/detect-drift.ts';
import type { PoolReports } from '../sagas/pool-reports.ts';
import type { Operations } from './operations.ts';

/** Figures for `/metrics` of everything behind the API. */
export function serverMetrics(parts: {
  /** Whether a process keeps the read models; null where this one cannot tell. */
  readonly kept: boolean | null;
  readonly models: readonly ReadModelStatus[];
  /** Null where this process carries none out. */
  readonly operations: Operations | null;
  readonly refusals: RefusalRecorder;
  readonly reports: Awaited<ReturnType<PoolReports['read']>>;
}): readonly Metric[] {
  const { models: status, operations } = parts;
  const pools = [...parts.reports.usable, ...parts.reports.unusable.map(({ report }) => report)];
  const perProjection = (value: (one: (typeof status)[number]) => number): Metric['samples'] =>
    status.map((one) => ({ labels: { projection: one.name }, value: value(one) }));
  const perPool = (value: (one: (typeof pools)[number]) => number): Metric['samples'] =>
    pools.map((one) => ({ labels: { pool: one.pool }, value: value(one) }));
  return [
    gauge(
      'scoria_read_models_kept',
      'Whether a process keeps the read models',
      parts.kept === null ? [] : [{ labels: {}, value: parts.kept ? 1 : 0 }],
    ),
    gauge(
      'scoria_projection_lag',
      'Positions of the log a read model is behind',
      perProjection(({ lag }) => lag),
    ),
    gauge(
      'scoria_projection_stale_documents',
      'Documents an event could not be folded into',
      perProjection(({ staleCount }) => staleCount),
    ),
    gauge(
      'scoria_projection_stopped',
      'Whether a read model follows the log no more',
      perProjection(({ stopped }) => (stopped === null ? 0 : 1)),
    ),
    gauge(
      'scoria_backend_drift',
      'Objects of a backend that are not what the log says',
      (operations?.drift() ?? []).flatMap(({ backend, objects }) =>
        DRIFT_KINDS.map((drift) => ({ labels: { backend, drift }, value: objects[drift].length })),
      ),
    ),
    gauge(
      'scoria_operations_open',
      'Operations that have not ended',
      operations === null ? [] : [{ labels: {}, value: operations.open() }],
    ),
    gauge(
      'scoria_pool_provisioned_gib',
      'GiB promised on a pool',
      perPool(({ provisionedCapacityGiB }) => provisionedCapacityGiB),
    ),
    gauge(
      'scoria_pool_volumes',
      'Volumes on a pool',
      perPool(({ volumeCount }) => volumeCount),
    ),
    {
      name: 'scoria_refusals_left_out_total',
      help: 'Refusals that were too many to keep an audit fact of',
      kind: 'counter',
      samples: [{ labels: {}, value: parts.refusals.leftOut() }],
    },
  ];
}

const gauge = (name: string, help: string, samples: Metric['samples']): Metric => ({
  name,
  help,
  kind: 'gauge',
  samples,
});
