import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { verifyEventStore } from '../../src/adapters/sqlite/event-store-check.ts';
import { storeFiles } from '../../src/config.ts';
import { createAcknowledged } from '../crash/acknowledged.ts';
import { type Answer, ask } from '../crash/client.ts';
import { createLoad } from '../crash/load.ts';
import { createLogView } from '../crash/log-view.ts';
import { createRandom } from '../crash/random.ts';
import { untilAtRest, whatIsBroken } from '../crash/rest.ts';
import { createServerHome, type ServerHome } from '../crash/server-process.ts';
import { createLocalServer, UNLIMITED } from './local-server.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');

function newHome(): ServerHome & { dispose(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), 'scoria-e2e-process-'));
  const home = createServerHome(folder, { quota: UNLIMITED });
  return {
    ...home,
    dispose: async () => {
      await home.stopAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const createMany = (url: string, count: number): Promise<(Answer | null)[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      ask(url, 'POST', '/volumes', { body: { volume: { size: 1, name: `volume ${index}` } } }),
    ),
  );

/** Waits until all is at rest, then holds every invariant against what is there. */
async function expectSound(home: ServerHome, url: string): Promise<ReturnType<typeof createLogView>> {
  const log = createLogView();
  // A kill may have orphaned a charge, which is watched for some seconds.
  await untilAtRest(home.config, log, { orphans: true });
  const world = { log, config: home.config, url, kept: new Set<string>(), contents: null, acknowledged: [] };
  const broken = await whatIsBroken(world, { thorough: true });
  expect(broken.map(({ invariant, what }) => `${invariant}: ${what}`)).toEqual([]);
  return log;
}

describe('a server process', () => {
  const home = newHome();
  afterAll(() => home.dispose());

  it('is the only one on its data directory: a second one says whose it is, and ends', async () => {
    const server = await home.start();
    const second = run(process.execPath, ['src/main.ts', 'serve', '--config', join(home.folder, 'scoria.yaml')], {
      cwd: ROOT,
      timeout: 20_000,
    });
    await expect(second).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^scoria: data directory .*data is in use by process \d+: stop that server first/),
    });
    expect((await ask(server.url, 'GET', '/volumes'))?.status, 'the first one does not notice').toBe(200);
    await server.kill();
  });

  it('stops within seconds on SIGTERM, and what was unfinished is finished after the next start', async () => {
    const server = await home.start();
    const answers = await createMany(server.url, 60);
    expect(answers.map((answer) => answer?.status)).toEqual(answers.map(() => 202));
    const ended = await server.terminate();
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.afterMs).toBeLessThan(5_000);
    expect(readdirSync(join(home.folder, 'data')).filter((name) => name.endsWith('-wal'))).toEqual([]);
    const next = await home.start();
    const log = await expectSound(home, next.url);
    for (const answer of answers) {
      expect(log.volumes.get(answer?.json.volume.id)?.volume?.status).toBe('available');
    }
    await next.kill();
  });

  it('finds unfinished operations in the log when coordination.db was deleted', async () => {
    const server = await home.start();
    const acknowledged = createAcknowledged();
    const ended = new AbortController();
    const load = createLoad(createRandom(3), acknowledged).run(server.url, 8, ended.signal);
    await sleep(700);
    ended.abort();
    await server.kill();
    await load;
    const { coordination } = storeFiles(home.config);
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${coordination}${suffix}`, { force: true });
    const next = await home.start();
    expect((await fetch(`${next.url}/readyz`)).status, 'its backend is not fenced off by its own past').toBe(200);
    await expectSound(home, next.url);
    await next.kill();
  });
});

describe('a log whose end was torn off', () => {
  const home = newHome();
  afterAll(() => home.dispose());

  it('is gone on with from the last whole event before the tear, and everything follows it', async () => {
    const server = await home.start();
    await createMany(server.url, 20);
    await server.kill();
    const wal = `${storeFiles(home.config).events}-wal`;
    const whole = statSync(wal).size;
    let events = Number.POSITIVE_INFINITY;
    for (const share of [0.9, 0.6, 0.3]) {
      const folder = mkdtempSync(join(tmpdir(), 'scoria-e2e-torn-'));
      // Keeps the holes of the volumes: Node's own copy would fill them.
      execFileSync('cp', ['-a', '--sparse=always', `${join(home.folder, 'data')}/.`, folder]);
      const torn = createLocalServer({ quota: UNLIMITED }, folder);
      const files = storeFiles(torn.config);
      expect(existsSync(`${files.events}-wal`)).toBe(true);
      truncateSync(`${files.events}-wal`, Math.floor(whole * share));
      const left = (await verifyEventStore(files.events)).events;
      expect(left).toBeLessThan(events);
      events = left;
      await torn.start();
      await torn.rest();
      await torn.available({ name: 'after the tear' });
      expect(await verifyEventStore(files.events)).toMatchObject({ damages: [] });
      const { volumes } = (await torn.send('GET', '/volumes?limit=1000')).json;
      const live = [...torn.log.volumes.values()].filter(({ volume }) => volume?.deleted === false);
      expect(volumes).toHaveLength(live.length);
      await torn.dispose();
    }
  });
});
