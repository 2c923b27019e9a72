import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAcknowledged } from './acknowledged.ts';
import { untilAccepted, whileNotWritable } from './full-disk.ts';
import type { Broken } from './invariants.ts';
import { createLoad } from './load.ts';
import { createLogView } from './log-view.ts';
import { prepareProjects } from './mixed-load.ts';
import { mountSmallDisk, remountReadOnly, setImmutable } from './mounts.ts';
import { createRandom } from './random.ts';
import { untilAtRest, whatIsBroken } from './rest.ts';
import type { ServerHome } from './server-process.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const NOBODY = 65_534;
const ROUNDS = 3;
const CLIENTS = 6;

const broken = (invariant: string, what: string): Broken => ({ invariant, what, streams: [] });

/** Starts a server that must refuse: what it says, and what is wrong with that. */
function refusedStart(dataDir: string, reason: RegExp, user?: number): readonly Broken[] {
  const { status, stderr, signal } = spawnSync(process.execPath, ['src/main.ts', 'serve'], {
    cwd: ROOT,
    env: { ...process.env, SCORIA_DATA_DIR: dataDir, SCORIA_PORT: '0' },
    encoding: 'utf8',
    timeout: 20_000,
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  const said = stderr.trim();
  console.log(`refused with ${status ?? signal}: ${said}`);
  const isClear = status === 1 && said.includes(`data directory ${dataDir}`) && reason.test(said);
  return isClear ? [] : [broken('a start that cannot write says so, and names the directory', `${status}: ${said}`)];
}

/** Data directories that nobody may write to, at the start and while a server runs. */
export async function readOnlyDirectory(home: ServerHome, seed: number): Promise<readonly Broken[]> {
  return [...refusedStarts(home.folder), ...(await readOnlyForAWhile(home, seed))];
}

function refusedStarts(folder: string): readonly Broken[] {
  const disk = mountSmallDisk(join(folder, 'read-only'), 4);
  const there = join(disk.directory, 'there');
  const readOnly = /its file system is read-only/;
  try {
    mkdirSync(there);
    remountReadOnly(disk.directory);
    const locked = join(folder, 'locked');
    mkdirSync(locked, { mode: 0o700 });
    chmodSync(folder, 0o755);
    return [
      ...refusedStart(there, readOnly),
      ...refusedStart(join(disk.directory, 'not', 'there'), readOnly),
      ...refusedStart(locked, /user 65534 may not write to it/, NOBODY),
      ...refusedStart(join(locked, 'below'), /user 65534 may not write to it/, NOBODY),
    ];
  } finally {
    disk.unmount();
  }
}

/** The files of the stores cannot be written to for a while, as when a file system goes read-only after an error. */
async function readOnlyForAWhile(home: ServerHome, seed: number): Promise<readonly Broken[]> {
  const random = createRandom(seed);
  const acknowledged = createAcknowledged();
  const load = createLoad(random, acknowledged);
  const log = createLogView();
  const { config } = home;
  const server = await home.start();
  await prepareProjects(server.url);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const ended = new AbortController();
    const clients = load.run(server.url, CLIENTS, ended.signal);
    await Promise.race([sleep(random.between(300, 900)), clients]);
    const files = readdirSync(config.dataDir)
      .filter((name) => /^(events|read-models|coordination)\.db(-wal)?$/.test(name))
      .map((name) => join(config.dataDir, name));
    setImmutable(files, true);
    const seen = await Promise.race([whileNotWritable(server.url), clients]).finally(() => setImmutable(files, false));
    const writableAt = performance.now();
    ended.abort();
    await clients;
    const found = [...(seen?.found ?? [])];
    if (seen?.refused === 0) found.push(broken('what cannot be written is refused', 'nothing was refused'));
    const wrong = await untilAccepted(server.url);
    const recoveredMs = performance.now() - writableAt;
    if (wrong !== null) found.push(broken('it recovers by itself when it can write again', wrong));
    await untilAtRest(config, log, { orphans: true });
    const told = acknowledged.takeAcknowledged();
    const world = { log, config, url: server.url, contents: null, kept: acknowledged.kept, acknowledged: told };
    found.push(...(await whatIsBroken(world, { thorough: true })));
    console.log(
      `read-only ${round}: ${acknowledged.figures.acknowledged} acknowledged, ${seen?.refused} probes refused, accepted ` +
        `again after ${recoveredMs.toFixed(0)} ms; ${log.events} events; ${found.length} violations`,
    );
    if (found.length > 0) return found;
  }
  await server.terminate();
  return [];
}
