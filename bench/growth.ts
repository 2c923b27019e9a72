/**
 * What many volumes cost a read: get and list over 16 connections with 1,000 volumes and with many (100,000, and
 * 1,000,000 with `--scale`), p99 against p99. Reads go all over the collection, so that nothing is warm.
 * Usage: node bench/growth.ts [--short | --scale]
 */
import { isScale, isShort, median, print, rounded } from './figures.ts';
import { runLoad } from './load.ts';
import { seedDirectory, seededVolumeId } from './seeding.ts';
import { type ServerProcess, withDirectory, withServer } from './server-process.ts';

const FEW = 1_000;
const MANY = isShort ? 10_000 : isScale ? 1_000_000 : 100_000;
const SECONDS = isShort ? 3 : 10;
const ROUNDS = isShort ? 1 : 3;
const CONNECTIONS = 16;
/** Different volumes that are read, and markers of pages, in a scattered order. */
const PATHS = 5_000;

/** The seeded volumes have no files, which is not to be looked into meanwhile: another process serves their backend. */
const CONFIG = { storage: { backends: [{ name: 'elsewhere', pools: [{ name: 'pool' }] }] } };

/** Every fourth volume is another project's; this takes the others, one by one in great steps. */
const scattered = (volumes: number): readonly string[] =>
  Array.from({ length: Math.min(PATHS, volumes) }, (_, n) => (n * 7_919) % volumes)
    .filter((index) => index % 4 !== 0)
    .map(seededVolumeId);

interface Measured {
  readonly what: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function measure({ url }: ServerProcess, volumes: number): Promise<readonly Measured[]> {
  const ids = scattered(volumes);
  const questions: readonly (readonly [string, readonly string[]])[] = [
    ['GET one volume', ids.map((id) => `/v3/demo/volumes/${id}`)],
    ['GET detail list of 20, anywhere', ids.map((id) => `/v3/demo/volumes/detail?limit=20&marker=${id}`)],
    ['GET detail list of 20 by status', ['/v3/demo/volumes/detail?limit=20&status=available']],
  ];
  const all: Measured[] = [];
  for (const [what, paths] of questions) {
    const rounds = [];
    for (let round = 0; round < ROUNDS; round += 1)
      rounds.push(await runLoad({ kind: 'get', url, paths, connections: CONNECTIONS, seconds: SECONDS }));
    all.push({
      what,
      perSecond: median(rounds.map(({ perSecond }) => perSecond)),
      p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    });
  }
  return all;
}

async function withVolumes(volumes: number): Promise<readonly Measured[]> {
  return withDirectory(async (directory) => {
    await seedDirectory(directory, volumes);
    const read = async (server: ServerProcess): Promise<readonly Measured[]> => {
      await caughtUp(server, volumes);
      return measure(server, volumes);
    };
    return withServer(directory, read, { config: CONFIG });
  });
}

/** The last volume is there once the read models are built. */
async function caughtUp({ url }: ServerProcess, volumes: number): Promise<void> {
  const last = Array.from({ length: 5 }, (_, n) => volumes - 1 - n).find((index) => index % 4 !== 0) ?? 1;
  const headers = { 'X-Auth-Token': 'admin:demo' };
  while ((await fetch(`${url}/v3/demo/volumes/${seededVolumeId(last)}`, { headers })).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 200));
}

const few = await withVolumes(FEW);
const many = await withVolumes(MANY);
for (const [index, { what, perSecond, p50Ms, p99Ms }] of many.entries()) {
  const before = few[index];
  if (before === undefined) continue;
  const figures = { per_second: rounded(perSecond), p50_ms: rounded(p50Ms), p99_ms: rounded(p99Ms) };
  print({
    what: `${what} with ${FEW} volumes`,
    per_second: rounded(before.perSecond),
    p50_ms: rounded(before.p50Ms),
    p99_ms: rounded(before.p99Ms),
  });
  print({
    what: `${what} with ${MANY} volumes`,
    ...figures,
    ratio: rounded(p99Ms / before.p99Ms),
    yardstick: `p99 with ${FEW} volumes`,
  });
}
