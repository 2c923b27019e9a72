import type { ConnectionLimits } from '../api/connections.ts';
import type { Health } from '../api/dependencies.ts';
import type { Config } from '../config.ts';
import type { ReadModelStatus } from '../projections/read-models.ts';
import type { Core } from './core.ts';
import { serverMetrics } from './metrics.ts';
import type { Operations } from './operations.ts';
import type { ReadModelsPart } from './read-models.ts';

/** How long the start waits for the read models; a long way behind is gone while serving. */
const CATCH_UP_MS = 2_000;

export const connectionLimits = ({ server }: Config): ConnectionLimits => ({
  requestTimeoutMs: server.requestTimeoutSeconds * 1000,
  maxConnections: server.maxConnections,
});

/** What this process needs to do its part, and its figures. */
export async function createHealth(
  core: Core,
  parts: { readonly readModels: ReadModelsPart | null; readonly operations: Operations | null },
): Promise<Health> {
  const { config, reports, refusals } = core;
  const { operations, readModels } = parts;
  const isApi = config.roles.includes('api');
  const modelsMissing = isApi && readModels !== null ? await watchForClients(core, readModels) : null;

  const written = (): readonly ReadModelStatus[] => readModels?.written() ?? [];
  return {
    readiness: async () => {
      const missing = [
        ...(operations?.missing() ?? []),
        ...(readModels?.missing() ?? []),
        ...(modelsMissing === null ? stopped(written()) : await modelsMissing()),
      ];
      return { ready: missing.length === 0, missing };
    },
    // A process without the API tells what it does itself. Figures that cannot be had now are left out.
    metrics: async () => {
      const seen = isApi ? await readModels?.seen.status().catch(() => null) : null;
      return serverMetrics({
        kept: seen?.kept ?? null,
        models: isApi ? (seen?.models ?? []) : written(),
        operations,
        refusals,
        reports: isApi ? await reports.read().catch(() => NO_REPORTS) : NO_REPORTS,
      });
    },
  };
}

const NO_REPORTS = { usable: [], unusable: [] };

/** What a client of the API lacks; what was acknowledged before a crash is read by the first one after it. */
async function watchForClients({ stores }: Core, { seen }: ReadModelsPart): Promise<() => Promise<readonly string[]>> {
  const found = await stores.eventStore.head();
  let caughtUp = found === null || (await seen.waitFor(found, CATCH_UP_MS));
  return async () => {
    const { kept, models } = await seen.status();
    if (!kept) return ['no process keeps the read models'];
    caughtUp ||= models.every(({ lag, position }) => lag === 0 || (position ?? 0n) >= (found ?? 0n));
    const behind = caughtUp ? [] : ['read models have yet to reach where the log stood at the start'];
    return [...stopped(models), ...behind];
  };
}

const stopped = (models: readonly ReadModelStatus[]): readonly string[] =>
  models.flatMap(({ name, stopped: why }) => (why === null ? [] : [`projection ${name}: ${why}`]));
