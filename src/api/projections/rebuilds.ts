import type { RebuildOptions, RebuildResult } from '../../projections/rebuild.ts';
import type { ProjectionRunner } from '../../projections/runner.ts';
import type { ApiDependencies } from '../dependencies.ts';

/** How the last rebuild of a read model that was asked for here ended. */
export interface LastRebuild {
  readonly startedAt: number;
  readonly endedAt: number;
  /** What came out; null where it failed, then `failure` says why. */
  readonly result: RebuildResult | null;
  readonly failure: string | null;
}

/** Rebuilds that were asked for through the API: they go on after the answer. */
export interface Rebuilds {
  /** Starts one; its end is seen by `lastOf`. */
  start(runner: Pick<ProjectionRunner, 'rebuild'>, names: readonly string[], options: RebuildOptions): void;
  lastOf(name: string): LastRebuild | null;
}

export function createRebuilds({ clock, logger }: Pick<ApiDependencies, 'clock' | 'logger'>): Rebuilds {
  const ended = new Map<string, LastRebuild>();
  return {
    start: (runner, names, options) => {
      const startedAt = clock.now();
      const end = (name: string, result: RebuildResult | null, failure: string | null): void => {
        ended.set(name, { startedAt, endedAt: clock.now(), result, failure });
      };
      runner.rebuild(names, options).then(
        (results) => {
          for (const result of results) end(result.name, result, null);
        },
        (error: unknown) => {
          const failure = error instanceof Error ? error.message : String(error);
          for (const name of names) end(name, null, failure);
          logger.error({ err: error, names }, 'rebuilding read models failed');
        },
      );
    },
    lastOf: (name) => ended.get(name) ?? null,
  };
}
