import { setTimeout as sleep } from 'node:timers/promises';
import { printRecord, printRows } from './output.ts';
import type { CommonOptions } from './program.ts';
import { withProgress } from './progress.ts';
import { askServer } from './server-client.ts';

/** A read model as the server tells of it (src/api/projections/views.ts). */
interface ProjectionView {
  readonly name: string;
  readonly version: number | null;
  readonly position: string | null;
  readonly lag: number;
  readonly stale_count: number;
  readonly stopped: string | null;
  readonly rebuild: { readonly position: string; readonly target: string } | null;
  readonly last_rebuild: {
    readonly outcome: string;
    readonly reason: string | null;
    readonly events: number | null;
  } | null;
}

const POLL_MS = 200;

/** `scoria projections list`, from the running server. */
export async function projectionsList(options: CommonOptions): Promise<void> {
  const { projections } = (await askServer(options, 'GET', '/admin/projections')) as {
    projections: readonly ProjectionView[];
  };
  printRows(
    [...projections].map((one) => ({ ...one })),
    ['name', 'version', 'position', 'lag', 'stale_count', 'stopped'],
    options,
  );
}

/** `scoria projections rebuild`: the running server builds beside the live one and switches; this waits and reports. */
export async function projectionsRebuild(name: string, options: CommonOptions): Promise<void> {
  const path = `/admin/projections/${encodeURIComponent(name)}`;
  await askServer(options, 'POST', `${path}/action`, { rebuild: null });
  const last = await withProgress(name, async (onProgress) => {
    for (;;) {
      const { projection } = (await askServer(options, 'GET', path)) as { projection: ProjectionView };
      if (projection.rebuild === null) return projection;
      onProgress(Number(projection.rebuild.position), Number(projection.rebuild.target));
      await sleep(POLL_MS);
    }
  });
  printRecord({ name, version: last.version, ...last.last_rebuild }, options);
  if (last.last_rebuild?.outcome !== 'switched') process.exitCode = 1;
}
