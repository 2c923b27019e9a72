import type { Instant } from '../domain/kernel/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { Position } from '../ports/event-store.ts';
import type { FoldLogger } from './fold.ts';
import type { RebuildResult } from './rebuild.ts';
import type { ProjectionRunner, ProjectionStatus } from './runner.ts';

/** How the last rebuild of a read model that was asked for ended. */
export interface LastRebuild {
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  /** What came out; null where it failed, then `failure` says why. */
  readonly result: RebuildResult | null;
  readonly failure: string | null;
}

export interface ReadModelStatus extends ProjectionStatus {
  /** How many documents are stale; `stale` may name only some of them. */
  readonly staleCount: number;
  readonly lastRebuild: LastRebuild | null;
}

export interface RebuildRequest {
  readonly names: readonly string[];
  readonly verifyOnly?: boolean;
  readonly asOf?: Instant;
}

/** The read models as those see them who read or ask for them, whichever process writes them. */
export interface ReadModels {
  /** True as soon as they have applied all events up to `position`; false where that takes longer than `timeoutMs`. */
  waitFor(position: Position, timeoutMs: number): Promise<boolean>;
  /** `kept`: a process writes them now; else how far they were when one last did. Throws StoreUnavailable. */
  status(): Promise<{ readonly kept: boolean; readonly models: readonly ReadModelStatus[] }>;
  /** Resolves once it is sure to be done; how it ended is told by `status`. Throws StoreUnavailable. */
  rebuild(request: RebuildRequest): Promise<void>;
}

/** The read models that this process writes. */
export interface LocalReadModels extends ReadModels {
  current(): readonly ReadModelStatus[];
  /** Resolves when it has ended, however it did. */
  rebuildToEnd(request: RebuildRequest): Promise<void>;
}

export function createLocalReadModels(deps: {
  readonly runner: Pick<ProjectionRunner, 'status' | 'rebuild' | 'waitFor'>;
  readonly clock: Clock;
  readonly logger: Pick<FoldLogger, 'error'>;
}): LocalReadModels {
  const { runner, clock, logger } = deps;
  const ended = new Map<string, LastRebuild>();

  const rebuildToEnd = async ({ names, verifyOnly, asOf }: RebuildRequest): Promise<void> => {
    const startedAt = clock.now();
    const end = (name: string, result: RebuildResult | null, failure: string | null): void => {
      ended.set(name, { startedAt, endedAt: clock.now(), result, failure });
    };
    try {
      const results = await runner.rebuild(names, {
        ...(verifyOnly === undefined ? {} : { verifyOnly }),
        ...(asOf === undefined ? {} : { asOf }),
      });
      for (const result of results) end(result.name, result, null);
    } catch (error) {
      for (const name of names) end(name, null, error instanceof Error ? error.message : String(error));
      const wasCutOff = error instanceof Error && error.name === 'AbortError';
      if (!wasCutOff) logger.error({ err: error, names }, 'rebuilding read models failed');
    }
  };

  const current = (): readonly ReadModelStatus[] =>
    runner.status().map((status) => ({
      ...status,
      staleCount: status.stale.length,
      lastRebuild: ended.get(status.name) ?? null,
    }));

  return {
    waitFor: (position, timeoutMs) => runner.waitFor(position, timeoutMs),
    current,
    status: async () => ({ kept: true, models: current() }),
    rebuildToEnd,
    rebuild: async (request) => {
      void rebuildToEnd(request);
    },
  };
}
