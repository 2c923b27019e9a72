import type { RebuildOptions, RebuildResult } from './rebuild.ts';
import { createProjectionRunner, type ProjectionRunnerOptions } from './runner.ts';

/**
 * Rebuilds read models where no server runs on these stores: brings the live versions to the end of the log, builds the
 * new ones beside them, compares, switches. `names` null: every read model. Beside a running server its own runner
 * must do it (`ProjectionRunner.rebuild`): a read store has one writer.
 */
export async function rebuildAlone(
  options: ProjectionRunnerOptions,
  names: readonly string[] | null,
  rebuildOptions: RebuildOptions = {},
): Promise<readonly RebuildResult[]> {
  const runner = createProjectionRunner({ ...options, rebuildsUnasked: false });
  try {
    await runner.start();
    const chosen = names ?? options.projections.map(({ collection }) => collection.name);
    return await runner.rebuild(chosen, { indexesLast: true, ...rebuildOptions });
  } finally {
    await runner.stop();
  }
}
