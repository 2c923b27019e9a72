import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { systemClock } from '../adapters/system/clock.ts';
import { loadConfig } from '../config.ts';
import { allProjections } from '../projections/all.ts';
import { decodeRecorded } from '../projections/catalogue.ts';
import { rebuildAlone } from '../projections/rebuild-alone.ts';
import { openStores } from '../server/stores.ts';
import { printRecord, printRows } from './output.ts';
import type { CommonOptions } from './program.ts';
import { withProgress } from './progress.ts';
import { askServer, serverAnswers } from './server-client.ts';
import { withReadStore } from './stores.ts';

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

/** `scoria projections list`: from the running server, or from the files where none runs. */
export async function projectionsList(options: CommonOptions): Promise<void> {
  if (!(await serverAnswers(options))) return listFromFiles(options);
  const { projections } = (await askServer(options, 'GET', '/admin/projections')) as {
    projections: readonly ProjectionView[];
  };
  const rows = projections.map((one) => ({ ...one }));
  printRows(rows, ['name', 'version', 'position', 'lag', 'stale_count', 'stopped'], options);
}

async function listFromFiles(options: CommonOptions): Promise<void> {
  await withReadStore(options, async (store) => {
    const rows: Record<string, unknown>[] = [];
    for (const { collection } of allProjections) {
      for (const { version, live } of await store.versions(collection.name)) {
        const position = (await store.checkpoint(collection.name, version))?.position ?? null;
        rows.push({ name: collection.name, version, live, position });
      }
    }
    printRows(rows, ['name', 'version', 'live', 'position'], options);
  });
}

/**
 * `scoria projections rebuild`: builds beside the live one, compares and switches. The running server does it, since a
 * read store has one writer; where none runs, this process is that writer meanwhile.
 */
export async function projectionsRebuild(name: string, options: CommonOptions): Promise<void> {
  const summary = (await serverAnswers(options))
    ? await rebuildByServer(name, options)
    : await rebuildHere(name, options);
  printRecord({ name, ...summary }, options);
  if (summary.outcome !== 'switched') process.exitCode = 1;
}

type Summary = Readonly<Record<string, unknown>> & { readonly outcome: string };

async function rebuildByServer(name: string, options: CommonOptions): Promise<Summary> {
  const path = `/admin/projections/${encodeURIComponent(name)}`;
  await askServer(options, 'POST', `${path}/action`, { rebuild: null });
  const last = await withProgress(name, async (onProgress) => {
    for (;;) {
      const { projection } = (await askServer(options, 'GET', path)) as { projection: ProjectionView };
      if (projection.rebuild === null && projection.last_rebuild !== null) return projection;
      if (projection.rebuild !== null)
        onProgress(Number(projection.rebuild.position), Number(projection.rebuild.target));
      await sleep(POLL_MS);
    }
  });
  return { version: last.version, outcome: 'unknown', ...last.last_rebuild };
}

async function rebuildHere(name: string, options: CommonOptions): Promise<Summary> {
  if (!allProjections.some(({ collection }) => collection.name === name)) {
    throw new Error(`there is no read model ${name}`);
  }
  const logger = pino({ level: 'warn' }, pino.destination(2));
  const stores = await openStores(loadConfig({ file: options.config }), systemClock, logger);
  try {
    const [result] = await withProgress(name, (onProgress) =>
      rebuildAlone(
        {
          ...stores,
          projections: allProjections,
          decode: decodeRecorded,
          logger,
          clock: systemClock,
        },
        [name],
        { onProgress: ({ position, target }) => onProgress(Number(position), Number(target)) },
      ),
    );
    if (result === undefined) throw new Error(`${name} was not rebuilt`);
    const { version, outcome, events, reason, comparison } = result;
    return { version, outcome, events, reason, comparison };
  } finally {
    await stores.close();
  }
}
