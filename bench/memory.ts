/**
 * Memory in RAM of the server's process: idle, with 1,000 volumes, and (`--scale`) over ten minutes of load.
 * Usage: node bench/memory.ts [--short] [--scale]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isScale, isShort, print, rounded } from './figures.ts';
import { HEADERS, runLoad } from './load.ts';
import { type ServerProcess, withDirectory, withServer } from './server-process.ts';

/** Until what a start or a load has left lying about is collected. */
const SETTLE_MS = isShort ? 10_000 : 30_000;
const VOLUMES = 1_000;
const LOAD_MINUTES = 10;

async function settled(server: ServerProcess): Promise<number> {
  await sleep(SETTLE_MS);
  return rounded(server.residentMiB());
}

await withDirectory(async (directory) => {
  // the first start of a checkout compiles
  await withServer(directory, async () => undefined);
  await withServer(directory, async (server) => {
    await fetch(`${server.url}/v3/demo/volumes/detail`, { headers: HEADERS });
    print({ what: 'resident memory, idle', mib: await settled(server) });
    const created = await runLoad({ kind: 'create', url: server.url, count: VOLUMES, connections: 16, wait: false });
    print({ what: 'resident memory at the end of creating 1,000 volumes', mib: rounded(server.residentMiB()) });
    print({ what: 'resident memory with 1,000 volumes', mib: await settled(server) });
    if (!isScale) return;
    await overLoad(server, created.ids);
  });
});

/** Creates, reads and deletes for ten minutes; what matters is the last minutes against the first. */
async function overLoad(server: ServerProcess, ids: readonly string[]): Promise<void> {
  const { url } = server;
  const paths = ids.map((id) => `/v3/demo/volumes/${id}`);
  const samples: number[] = [];
  const endsAt = performance.now() + LOAD_MINUTES * 60_000;
  while (performance.now() < endsAt) {
    const made = await runLoad({ kind: 'create', url, count: 2_000, connections: 16, wait: false });
    await runLoad({ kind: 'get', url, paths, connections: 16, seconds: 3 });
    await runLoad({ kind: 'delete', url, ids: made.ids, connections: 16, wait: false });
    samples.push(server.residentMiB());
  }
  const third = Math.max(1, Math.floor(samples.length / 3));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [early, late] = [mean(samples.slice(0, third)), mean(samples.slice(-third))];
  print({
    what: `resident memory over ${LOAD_MINUTES} minutes of load, last third`,
    mib: rounded(late),
    ratio: rounded(late / early),
    yardstick: 'first third',
  });
}
