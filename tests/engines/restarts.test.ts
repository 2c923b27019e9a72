import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { type Server, startServer } from '../../src/server/server.ts';
import { stopInOrder } from '../../src/server/stopping.ts';
import { clientOf } from './client.ts';
import { reservedPort } from './reserved-port.ts';

const STAND_IN = resolve('../shared/mongo');
const run = promisify(execFile);
const canRestart = existsSync(join(STAND_IN, 'mongo-up'));

/** Engines that die and come back with what they had, under a load; the server is never restarted. */
describe.skipIf(!canRestart)(
  `engines that are killed (${canRestart ? 'the stand-in' : 'no MongoDB here that may be killed'})`,
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'scoria-restarts-'));
    const mongoState = join(directory, 'mongo');
    const lib = join(process.env.XDG_STATE_HOME ?? '/var/tmp', 'mongo-stand-in', 'lib');
    let logPort = 0;
    let mongoPort = 0;
    let log: ChildProcess;
    let server: Server;
    const client = clientOf(() => server.url ?? '');
    const { until, createVolume, call, readyz } = client;
    const isReady = async (): Promise<boolean> => (await readyz()).status === 200;

    const startLog = async (): Promise<void> => {
      const env = {
        ...process.env,
        SCORIA_DATA_DIR: join(directory, 'log'),
        SCORIA_EVENTSTORE_PORT: String(logPort),
      };
      // a stream of this process in its hands would keep the run from ending should this process die
      log = spawn(process.execPath, ['src/main.ts', 'serve', '--roles', 'eventstore'], { env, stdio: 'ignore' });
    };
    const killLog = async (): Promise<void> => {
      if (log.exitCode !== null || log.signalCode !== null) return;
      const gone = once(log, 'exit');
      log.kill('SIGKILL');
      await gone;
    };
    const startMongo = async (): Promise<void> => {
      await run(join(STAND_IN, 'mongo-up'), [String(mongoPort), mongoState], { env: { ...process.env, FILE: '1' } });
    };
    /** By SIGTERM: killed harder, the stand-in's file contradicts itself afterwards, as no MongoDB's does. */
    const endMongo = (): void => {
      const file = join(mongoState, `${mongoPort}.pid`);
      process.kill(Number(readFileSync(file, 'utf8')), 'SIGTERM');
      // a process that nobody has waited for yet would look as if it still ran
      rmSync(file);
    };

    beforeAll(async () => {
      await run('mkdir', ['-p', mongoState]);
      if (existsSync(lib)) await run('ln', ['-s', lib, join(mongoState, 'lib')]);
      [logPort, mongoPort] = [await reservedPort(), await reservedPort()];
      await Promise.all([startLog(), startMongo()]);
      const config = parseConfig({
        dataDir: join(directory, 'data'),
        server: { port: await reservedPort() },
        quota: { volumes: -1, gigabytes: -1 },
        storage: { backends: [{ name: 'file', pools: [{ name: 'pool' }] }], reportEverySeconds: 1 },
        eventStore: `esdb://127.0.0.1:${logPort}?tls=false`,
        readStore: `mongodb://127.0.0.1:${mongoPort}/scoria?directConnection=true`,
      });
      server = await startServer(config, pino({ level: process.env.SCORIA_TEST_LOG ?? 'silent' }));
      await until('it is ready', 30_000, isReady);
    }, 90_000);
    afterAll(async () => {
      const stopMongo = () => run(join(STAND_IN, 'mongo-down'), [String(mongoPort), mongoState]);
      await stopInOrder([
        [async () => server?.stop()],
        [killLog, stopMongo],
        [() => sleep(500)],
        [async () => rmSync(directory, { recursive: true, force: true })],
      ]);
    }, 60_000);

    it('lose nothing that was acknowledged, leave nothing on its way, and the ledgers are right', async () => {
      const acknowledged: string[] = [];
      const slowest = { ms: 0 };
      let loading = true;
      const load = async (name: string): Promise<void> => {
        for (let n = 0; loading; n += 1) {
          const answer = await createVolume(`${name}-${n}`);
          slowest.ms = Math.max(slowest.ms, answer.ms);
          expect([202, 503]).toContain(answer.status);
          if (answer.status === 202) acknowledged.push(answer.body.volume.id);
          await sleep(answer.status === 202 ? 50 : 300);
        }
      };
      const loads = Promise.all([load('a'), load('b')]);
      const grows = async (what: string): Promise<void> => {
        const had = acknowledged.length;
        await until(`creations go on ${what}`, 60_000, async () => acknowledged.length > had + 3);
      };
      await grows('at first');
      for (const round of [1, 2]) {
        await killLog();
        await sleep(round * 2_000);
        await startLog();
        await grows(`after the log was away (${round})`);
        // The stand-in may lose its last second when it is killed, as no MongoDB with a journal and majority does.
        await sleep(1_500);
        endMongo();
        await sleep(round * 1_000);
        await startMongo();
        await grows(`after MongoDB was away (${round})`);
      }
      loading = false;
      await loads;
      expect(slowest.ms).toBeLessThan(5_500);
      await until('it is ready', 60_000, isReady);
      let seen: object = {};
      await until('all is at rest', 60_000, async () => {
        const { body } = await call('GET', '/volumes/detail?limit=1000');
        const statuses = new Map<string, string>(
          body.volumes.map(({ id, status }: { id: string; status: string }) => [id, status]),
        );
        const usage = (await call('GET', '/os-quota-sets/demo?usage=true')).body.quota_set;
        const lost = acknowledged.filter((id) => !statuses.has(id));
        const others = [...statuses.values()].filter((status) => status !== 'available');
        seen = { lost: lost.length, others, volumes: statuses.size, usage: usage.volumes };
        return (
          lost.length === 0 &&
          others.length === 0 &&
          usage.volumes.reserved === 0 &&
          usage.volumes.in_use === statuses.size &&
          usage.gigabytes.in_use === statuses.size
        );
      }).catch((error) => {
        throw new Error(`${error.message}: ${JSON.stringify(seen)}`);
      });
      console.log(
        `acknowledged ${acknowledged.length}, slowest answer ${Math.round(slowest.ms)} ms, ${JSON.stringify(seen)}`,
      );
    }, 300_000);
  },
);
