import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { storeFiles } from '../../src/config.ts';
import { type Acknowledgement, createAcknowledged } from './acknowledged.ts';
import { differencesOfBackends } from './backend-files.ts';
import { copyDirectory, readWal, removeStore, replaceStore, type WalState } from './disk-images.ts';
import type { Broken } from './invariants.ts';
import { createLoad } from './load.ts';
import { createLogView, type LogView } from './log-view.ts';
import { MIXED_CONFIG, prepareProjects } from './mixed-load.ts';
import { createRandom, type Random } from './random.ts';
import { untilAtRest, whatIsBroken } from './rest.ts';
import { createServerHome, type ServerHome, type ServerProcess } from './server-process.ts';

export interface PowerLossOptions {
  readonly cuts: number;
  readonly seed: number;
  readonly deadlineMs: number;
}

const IMAGES = 10;
const CLIENTS = 8;
const FILL_MS = 1_500;

/** A data directory as it was at one moment, and what clients had been told by then. */
interface Image {
  readonly number: number;
  readonly dataDir: string;
  readonly log: WalState;
  readonly acknowledged: readonly Acknowledgement[];
  readonly kept: ReadonlySet<string>;
}

/** Stops a server now and then in the middle of a load, and copies its data directory each time. */
async function takeImages(home: ServerHome, random: Random): Promise<readonly Image[]> {
  const acknowledged = createAcknowledged();
  const load = createLoad(random, acknowledged);
  const earlier = await home.start();
  await prepareProjects(earlier.url);
  const filled = new AbortController();
  const filling = load.run(earlier.url, CLIENTS, filled.signal);
  await Promise.race([sleep(FILL_MS), filling]);
  filled.abort();
  await filling;
  // A stop folds the write-ahead logs into the databases, so that those have something to lose.
  await earlier.terminate();
  const server = await home.start();
  const ended = new AbortController();
  const clients = load.run(server.url, CLIENTS, ended.signal);
  const images: Image[] = [];
  const told: Acknowledgement[] = [];
  for (let number = 0; number < IMAGES; number += 1) {
    await Promise.race([sleep(random.between(60, 500)), clients]);
    process.kill(server.pid, 'SIGSTOP');
    // It stands still only when its state says so: the signal is delivered to one thread after the other.
    while (!isStopped(server)) await sleep(1);
    told.push(...acknowledged.takeAcknowledged());
    const dataDir = join(home.folder, `image-${number}`);
    copyDirectory(home.config.dataDir, dataDir);
    const log = readWal(storeFiles({ dataDir }).events);
    images.push({ number, dataDir, log, acknowledged: [...told], kept: new Set(acknowledged.kept) });
    process.kill(server.pid, 'SIGCONT');
  }
  ended.abort();
  await clients;
  await server.kill();
  return images;
}

const tasksOf = (pid: number): string => `/proc/${pid}/task`;

function isStopped({ pid }: ServerProcess): boolean {
  return readdirSync(tasksOf(pid)).every((task) => {
    const stat = readFileSync(join(tasksOf(pid), task, 'stat'), 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  });
}

/** What a power loss left: the log of one image, backends of the same or a later one, the other stores as they may be. */
interface Cut {
  readonly of: Image;
  /** Later than `of`: the disk has lost what it said it had written. The log is then behind everything else. */
  readonly backends: Image;
  /** What was acknowledged by then, and that nobody asked to delete since: that may have reached the disk, too. */
  readonly kept: ReadonlySet<string>;
  readonly told: readonly string[];
}

/** What may have been on its way to the disk, or all of it that a disk may have forgotten which lies about its syncs. */
function tearLog(random: Random, events: string, image: Image, later: readonly Image[], lies: boolean): string {
  const { log } = image;
  const next = later.filter((one) => one.log.salt === log.salt).at(-1)?.log ?? log;
  const end = lies ? next.durableBytes : (next.commits.find((at) => at > log.durableBytes) ?? next.bytes.length);
  const at = random.between(log.durableBytes, Math.max(log.durableBytes, end));
  const rest = Math.max(0, Math.min(end, next.bytes.length) - at);
  const fill = random.pick(['cut', 'zeros', 'garbage'] as const) ?? 'cut';
  const tail = Buffer.alloc(fill === 'cut' ? 0 : rest);
  if (fill === 'garbage') for (let byte = 0; byte < rest; byte += 1) tail[byte] = random.between(0, 255);
  writeFileSync(`${events}-wal`, Buffer.concat([next.bytes.subarray(0, at), tail]));
  return `log ${fill} at byte ${at} of ${next.bytes.length}, ${at - log.durableBytes} behind the sync`;
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** A store that does not wait for the disk, in any state: cut anywhere, older, newer, or not there. */
function damageStore(
  random: Random,
  name: 'readModels' | 'coordination',
  image: Image,
  images: readonly Image[],
): string {
  const { [name]: file } = storeFiles(image);
  const other = random.pick(images.filter(({ number }) => number !== image.number));
  const wal = readWal(file);
  const cutAnywhere = (path: string, least = 0): string => {
    const size = sizeOf(path);
    const at = random.between(Math.min(least, size), size);
    if (size > 0) truncateSync(path, at);
    return `cut at byte ${at} of ${size}`;
  };
  const damage = random.weighted<() => string>([
    [2, () => 'whole'],
    [3, () => `write-ahead log ${cutAnywhere(`${file}-wal`, wal.checkpointedBytes)}`],
    [3, () => cutAnywhere(file)],
    [
      3,
      () => {
        if (other !== undefined) replaceStore(file, storeFiles(other)[name]);
        return `of image ${other?.number}`;
      },
    ],
    [
      1,
      () => {
        removeStore(file);
        return 'missing';
      },
    ],
    [
      1,
      () => {
        if (wal.dispensable) rmSync(`${file}-wal`, { force: true });
        return wal.dispensable ? 'without its write-ahead log' : 'whole';
      },
    ],
  ]);
  return `${name} ${damage()}`;
}

/** Makes the data directory of one cut at `dataDir`. */
function makeCut(random: Random, images: readonly Image[], dataDir: string): Cut {
  const lies = random.chance(0.3);
  const of = random.pick(images.slice(0, lies ? -1 : undefined)) ?? raise('there is no image');
  const later = images.filter(({ number }) => number > of.number);
  const backends = lies ? (random.pick(later) ?? of) : of;
  copyDirectory(backends.dataDir, dataDir);
  const files = storeFiles({ dataDir });
  const now = { ...backends, dataDir };
  const told: string[] = [`image ${of.number}`];
  if (lies) {
    replaceStore(files.events, storeFiles(of).events);
    told.push(`everything else of image ${backends.number}`);
  }
  const tearable = lies ? later.filter(({ number }) => number <= backends.number) : later;
  told.push(tearLog(random, files.events, of, tearable, lies));
  for (const name of ['readModels', 'coordination'] as const) told.push(damageStore(random, name, now, images));
  // the index of a write-ahead log is made anew, whatever is left of it
  if (random.chance(0.5)) for (const file of Object.values(files)) rmSync(`${file}-shm`, { force: true });
  const last = images.at(-1) ?? of;
  return { of, backends, kept: new Set([...of.kept].filter((id) => last.kept.has(id))), told };
}

function raise(message: string): never {
  throw new Error(message);
}

/** What does not hold in a data directory that a power loss has left, once a server runs on it. */
async function whatIsLost(
  home: ServerHome,
  { of, backends, kept }: Cut,
): Promise<{ broken: readonly Broken[]; told: string }> {
  const log = createLogView();
  const { config } = home;
  const server = await home.start();
  const restMs = await untilAtRest(config, log, { orphans: true });
  const world = { log, config, url: server.url, contents: null, kept, acknowledged: of.acknowledged };
  const broken = await whatIsBroken(world, { thorough: true, but: of === backends ? null : BACKENDS });
  const unready = await untilReady(server.url);
  const untold = of === backends ? null : await untilDriftIsTold(home, server.url, log);
  await server.kill();
  const ready = `ready ${server.readyAfterMs.toFixed(0)} ms, rest ${restMs.toFixed(0)} ms, ${log.events} events`;
  const found = [
    ...broken,
    ...(untold === null
      ? []
      : [{ invariant: 'what only a backend knows is told as drift', what: untold, streams: [] }]),
    ...(unready === null ? [] : [{ invariant: 'the server becomes ready', what: unready, streams: [] }]),
  ];
  return { broken: found, told: ready };
}

/** The backends are ahead of a log that has lost what a disk said it had: what differs is drift, and told as such. */
const BACKENDS = 'backend files are the live volumes and snapshots';
const READY_WITHIN_MS = 10_000;
const DRIFT_WITHIN_MS = 15_000;

/** Null once the gauge of drift says how many objects are unknown or missing, else what it says instead. */
async function untilDriftIsTold({ config }: ServerHome, url: string, log: LogView): Promise<string | null> {
  const volumes = [...log.volumes.values()].flatMap(({ volume }) => (volume?.deleted === false ? [volume] : []));
  const different = differencesOfBackends(config, volumes, log.reset);
  const count = (what: string): number => different.filter((one) => one.what.endsWith(what)).length;
  const must = `${count('belongs to nothing that lives')} unknown, ${count('is not there')} missing`;
  const deadline = performance.now() + DRIFT_WITHIN_MS;
  for (;;) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const gauge = (kind: string): number =>
      [...metrics.matchAll(/^scoria_backend_drift\{.*drift="(\w+)".*\} (\d+)$/gm)]
        .filter(([, of]) => of === kind)
        .reduce((sum, [, , value]) => sum + Number(value), 0);
    const is = `${gauge('unknown')} unknown, ${gauge('missing')} missing`;
    if (is === must && metrics.includes('scoria_backend_drift{')) return null;
    if (performance.now() > deadline) return `${is}, and must be ${must}`;
    await sleep(100);
  }
}

/** Null when it is, else what `/readyz` says is missing. */
async function untilReady(url: string): Promise<string | null> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const answer = await fetch(`${url}/readyz`);
    if (answer.status === 200) return null;
    if (performance.now() > deadline) return answer.text();
    await sleep(50);
  }
}

/** Cuts copies of a data directory as a power loss may, and starts a server on each. Returns what is broken. */
export async function powerLoss(home: ServerHome, options: PowerLossOptions): Promise<readonly Broken[]> {
  const random = createRandom(options.seed);
  const startedAt = performance.now();
  const images = await takeImages(home, random);
  const last = images.at(-1);
  console.log(`${images.length} images under load, the last with ${last?.acknowledged.length} acknowledged requests`);
  for (let made = 1; made <= options.cuts && performance.now() - startedAt < options.deadlineMs; made += 1) {
    const folder = join(home.folder, `cut-${made}`);
    mkdirSync(folder);
    const cut = makeCut(random, images, join(folder, 'data'));
    const there = createServerHome(folder, MIXED_CONFIG);
    try {
      const { broken, told } = await whatIsLost(there, cut);
      console.log(`cut ${made}: ${cut.told.join('; ')}: ${told}; ${broken.length} violations`);
      if (broken.length === 0) {
        rmSync(folder, { recursive: true });
        continue;
      }
      // Where the report looks for it.
      await there.stopAll();
      renameSync(home.config.dataDir, join(home.folder, 'data-under-load'));
      renameSync(there.config.dataDir, home.config.dataDir);
      return broken;
    } catch (error) {
      console.log(`cut ${made}: ${cut.told.join('; ')}`);
      throw error;
    } finally {
      await there.stopAll();
    }
  }
  return [];
}
