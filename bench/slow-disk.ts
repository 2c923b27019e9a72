/**
 * What a disk that takes 10 ms for every sync does to the server: how long reads take while 16 clients create volumes,
 * against the same on the disk there is, and what is left of the creations.
 * Usage: node bench/slow-disk.ts [--short]
 */
import { isShort, print, rounded } from './figures.ts';
import { type Measured, runLoad } from './load.ts';
import { type ServerProcess, startArguments, startServerProcess, withDirectory } from './server-process.ts';

const SECONDS = isShort ? 5 : 15;
const CREATIONS = isShort ? 400 : 1_500;
const PRELOAD = ['--import', `${import.meta.dirname}/slow-disk-preload.ts`];

async function withCreations({
  url,
}: ServerProcess): Promise<{ readonly reads: Measured; readonly created: Measured }> {
  const { ids } = await runLoad({ kind: 'create', url, count: 100, connections: 16, wait: true });
  const paths = ids.map((id) => `/v3/demo/volumes/${id}`);
  await runLoad({ kind: 'get', url, paths, connections: 16, seconds: 2 });
  const creating = runLoad({ kind: 'create', url, count: CREATIONS, connections: 16, wait: false });
  const reads = await runLoad({ kind: 'get', url, paths, connections: 4, seconds: SECONDS });
  return { reads, created: await creating };
}

async function measure(what: string, preload: readonly string[]): Promise<Measured> {
  return withDirectory(async (directory) => {
    const server = await startServerProcess(directory, { script: [...preload, ...startArguments()] });
    try {
      const { reads, created } = await withCreations(server);
      const { perSecond, p50Ms, p99Ms } = created;
      const figures = { per_second: rounded(perSecond), p50_ms: rounded(p50Ms), p99_ms: rounded(p99Ms) };
      print({ what: `create accepted beside reads, ${what}`, ...figures });
      return reads;
    } finally {
      await server.stop();
    }
  });
}

const figureOfReads = ({ perSecond, p50Ms, p99Ms }: Measured) => ({
  per_second: rounded(perSecond),
  p50_ms: rounded(p50Ms),
  p99_ms: rounded(p99Ms),
});

const fast = await measure('the disk there is', []);
print({ what: 'GET one volume while 16 clients create, the disk there is', ...figureOfReads(fast) });
const slow = await measure('10 ms for every sync', PRELOAD);
print({
  what: 'GET one volume while 16 clients create, 10 ms for every sync',
  ...figureOfReads(slow),
  ratio: rounded(slow.p99Ms / fast.p99Ms),
  yardstick: 'p99 on the disk there is',
});
