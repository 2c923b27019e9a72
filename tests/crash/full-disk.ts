import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAcknowledged } from './acknowledged.ts';
import { volumeFile } from './backend-files.ts';
import { ask, mustAsk } from './client.ts';
import type { Broken } from './invariants.ts';
import { createLoad } from './load.ts';
import { createLogView } from './log-view.ts';
import { MIXED_CONFIG, prepareProjects } from './mixed-load.ts';
import { mountSmallDisk, type SmallDisk } from './mounts.ts';
import { createRandom } from './random.ts';
import { untilAtRest, whatIsBroken } from './rest.ts';
import { createServerHome, type ServerHome, type ServerProcess } from './server-process.ts';

const ROUNDS = 3;
const CLIENTS = 6;
const FULL_MS = 2_500;
const RECOVERS_WITHIN_MS = 15_000;

const broken = (invariant: string, what: string): Broken => ({ invariant, what, streams: [] });

/** What an answer may tell nobody: where files lie, and what they are kept with. */
const INTERNALS = /sqlite|database|disk|\/tmp|\.db|ENOSPC|EROFS|EPERM|errno/i;

/** Asks for a volume; what is wrong with a refusal, or null: it was accepted, or refused as it should be. */
export async function refusalOf(url: string): Promise<{ readonly status: number; readonly wrong: string | null }> {
  const response = await fetch(`${url}/v3/alpha/volumes`, {
    method: 'POST',
    headers: { 'X-Auth-Token': 'tester:alpha', 'Content-Type': 'application/json' },
    body: JSON.stringify({ volume: { size: 1 } }),
  });
  const text = await response.text();
  const { status } = response;
  if (status === 202) return { status, wrong: null };
  const retryAfter = Number(response.headers.get('retry-after'));
  if (status !== 503) return { status, wrong: `a create is answered ${status} ${text}` };
  if (!(retryAfter >= 1)) return { status, wrong: 'a 503 without Retry-After' };
  return { status, wrong: INTERNALS.test(text) ? `a 503 names internals: ${text}` : null };
}

/** Waits until creates are accepted again; null, or what is wrong. */
export async function untilAccepted(url: string): Promise<string | null> {
  const deadline = performance.now() + RECOVERS_WITHIN_MS;
  for (;;) {
    const { status, wrong } = await refusalOf(url);
    if (status === 202) return null;
    if (wrong !== null) return wrong;
    if (performance.now() > deadline) return 'creates are still refused';
    await sleep(100);
  }
}

/**
 * Refusals and reads while nothing can be written: how many, and what is wrong with them. A store may have room left in
 * files that are as long as they ever were: not every moment on a full disk refuses.
 */
export async function whileNotWritable(
  url: string,
): Promise<{ readonly refused: number; readonly found: readonly Broken[] }> {
  const name = 'nothing is written, everything is read, and the answer says when to try again';
  const found: Broken[] = [];
  let refused = 0;
  const until = performance.now() + FULL_MS;
  while (performance.now() < until) {
    const { status, wrong } = await refusalOf(url);
    if (status === 503) refused += 1;
    if (wrong !== null) found.push(broken(name, wrong));
    const read = await ask(url, 'GET', '/volumes/detail?all_tenants=1');
    if (read?.status !== 200) found.push(broken(name, `a list is answered ${read?.status ?? 'not at all'}`));
    await sleep(50);
  }
  return { refused, found };
}

/** The stores' disk is filled again and again under load, and once more with a server killed and started on it. */
export async function fullDisk(home: ServerHome, seed: number): Promise<readonly Broken[]> {
  const disk = mountSmallDisk(home.config.dataDir, 64);
  try {
    return [...(await fullStores(home, disk, seed)), ...(await fullBackend(home))];
  } finally {
    await home.stopAll();
    disk.unmount();
  }
}

async function fullStores(home: ServerHome, disk: SmallDisk, seed: number): Promise<readonly Broken[]> {
  const random = createRandom(seed);
  const acknowledged = createAcknowledged();
  const load = createLoad(random, acknowledged);
  const log = createLogView();
  let refused = 0;
  const watch = async (url: string): Promise<readonly Broken[]> => {
    const seen = await whileNotWritable(url);
    refused += seen.refused;
    return seen.found;
  };
  let server = await home.start();
  await prepareProjects(server.url);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const ended = new AbortController();
    const clients = load.run(server.url, CLIENTS, ended.signal);
    await Promise.race([sleep(700), clients]);
    disk.fill(random.between(0, 20) * 4_096);
    const found = [...(await Promise.race([watch(server.url), clients.then(() => [])]))];
    ended.abort();
    await clients;
    if (round === ROUNDS) {
      // Killed while nothing can be written: it starts on what is there, or says why it does not.
      await server.kill();
      const started = await home.start().catch((error: Error) => error);
      const message = started instanceof Error ? started.message : '';
      if (message !== '' && !/disk is full|ENOSPC/.test(message)) found.push(broken('a start on a full disk', message));
      if (!(started instanceof Error)) found.push(...(await watch(started.url)));
      console.log(
        `  started on a full disk: ${message === '' ? 'it serves' : message.split('\n').at(-1)?.slice(0, 300)}`,
      );
      disk.free();
      server = started instanceof Error ? await home.start() : started;
    }
    disk.free();
    const freedAt = performance.now();
    const wrong = await untilAccepted(server.url);
    const recoveredMs = performance.now() - freedAt;
    if (wrong !== null) found.push(broken('it recovers by itself when there is space', wrong));
    found.push(...(await look(home, server, log, acknowledged)));
    const { figures } = acknowledged;
    console.log(
      `full disk ${round}: ${figures.acknowledged} acknowledged, ${figures.unavailable} unavailable so far; accepted again ` +
        `after ${recoveredMs.toFixed(0)} ms; ${log.events} events; ${found.length} violations`,
    );
    if (found.length > 0) return found;
  }
  await server.terminate();
  return refused > 0 ? [] : [broken('a full disk refuses creates', 'none was refused: nothing was full')];
}

async function look(
  { config }: ServerHome,
  { url }: ServerProcess,
  log: ReturnType<typeof createLogView>,
  acknowledged: ReturnType<typeof createAcknowledged>,
): Promise<readonly Broken[]> {
  await untilAtRest(config, log, { orphans: true });
  const told = acknowledged.takeAcknowledged();
  const world = { log, config, url, contents: null, kept: acknowledged.kept, acknowledged: told };
  return whatIsBroken(world, { thorough: true });
}

/** A backend whose disk is full: copies that do not fit end in error, and leave nothing. */
async function fullBackend(home: ServerHome): Promise<readonly Broken[]> {
  const disk = mountSmallDisk(join(home.folder, 'small-backend'), 48);
  const pool = { name: 'tiny', capacityGiB: 1_000, maxOverSubscriptionRatio: 100_000 };
  const backend = { name: 'full', directory: disk.directory, pools: [pool] };
  const there = createServerHome(join(home.folder, 'small-backend-server'), {
    ...MIXED_CONFIG,
    storage: { backends: [backend], reportEverySeconds: 1 },
  });
  const log = createLogView();
  const acknowledged = createAcknowledged();
  try {
    const { url } = await there.start();
    const create = async (fields: object): Promise<string> => {
      const { json } = await mustAsk(url, 'POST', '/volumes', { body: { volume: { size: 1, ...fields } } });
      await untilAtRest(there.config, log, { orphans: false });
      return json.volume.id;
    };
    const statusOf = (id: string) => log.volumes.get(id)?.volume?.status;
    const source = await create({});
    const built = log.volumes.get(source)?.volume;
    if (built === null || built === undefined || built.deleted) return [broken('a volume is made', 'it was not')];
    const file = openSync(volumeFile(there.config, built), 'r+');
    for (let at = 0; at < 28; at += 1) writeSync(file, Buffer.alloc(1024 * 1024, 7), 0, 1024 * 1024, at * 1024 * 1024);
    closeSync(file);
    const clone = await create({ source_volid: source });
    const found = [...(await whatIsBrokenAt(there, url, log, acknowledged))];
    if (statusOf(clone) !== 'error') found.push(broken('a copy that does not fit ends in error', `${statusOf(clone)}`));
    disk.fill();
    const empty = await create({});
    if (!['available', 'error'].includes(statusOf(empty) ?? '')) found.push(broken('it ends', `${statusOf(empty)}`));
    found.push(...(await whatIsBrokenAt(there, url, log, acknowledged)));
    await mustAsk(url, 'DELETE', `/volumes/${source}`);
    await untilAtRest(there.config, log, { orphans: false });
    if (log.volumes.get(source)?.volume?.deleted !== true) found.push(broken('a full backend still deletes', 'no'));
    disk.free();
    const after = await create({});
    if (statusOf(after) !== 'available') found.push(broken('there is space again', `${statusOf(after)}`));
    found.push(...(await whatIsBrokenAt(there, url, log, acknowledged)));
    const left = readdirSync(join(disk.directory, 'tiny', 'work')).length;
    console.log(
      `full backend: the clone is ${statusOf(clone)}, an empty volume ${statusOf(empty)}; ${left} token; ${found.length} violations`,
    );
    return found;
  } finally {
    await there.stopAll();
    disk.unmount();
  }
}

const whatIsBrokenAt = (
  { config }: ServerHome,
  url: string,
  log: ReturnType<typeof createLogView>,
  { kept }: ReturnType<typeof createAcknowledged>,
): Promise<readonly Broken[]> =>
  whatIsBroken({ log, config, url, contents: null, kept, acknowledged: [] }, { thorough: true });
