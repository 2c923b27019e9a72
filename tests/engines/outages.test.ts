import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { type Server, startServer } from '../../src/server/server.ts';
import { startProtocolServer, type TestServer } from '../adapters/eventstoredb/server.ts';
import { type FaultProxy, openProxy } from '../adapters/mongodb/proxy.ts';
import { mongoServer, type TestDatabase, testDatabase } from '../adapters/mongodb/server.ts';
import { clientOf } from './client.ts';
import { reservedPort } from './reserved-port.ts';

const mongo = mongoServer();
/** What DESIGN promises a client is about five seconds. */
const AT_MOST_MS = 5_500;
/** Its own limits add up to 1.8 s, which tests/server/engine-health.test.ts proves; here it only must not hang. */
const READY_WITHIN_MS = 3_500;

/** The whole server, with something in front of each engine that takes it away. */
describe.skipIf(mongo.url === null)(`engines that are away (${mongo.reason})`, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'scoria-outages-'));
  let log: TestServer;
  let database: TestDatabase;
  let toLog: FaultProxy;
  let toModels: FaultProxy;
  let server: Server | null = null;
  let base = '';
  const client = clientOf(() => base);
  const { until, createVolume, statusOf, readyz, call } = client;
  const isReady = async (): Promise<boolean> => (await readyz()).status === 200;

  const start = async (): Promise<Server> => {
    const port = await reservedPort();
    base = `http://127.0.0.1:${port}`;
    const path = new URL(database.url.replace('mongodb:', 'http:'));
    const config = parseConfig({
      dataDir,
      server: { port },
      quota: { volumes: -1, gigabytes: -1 },
      storage: { backends: [{ name: 'file', pools: [{ name: 'pool' }] }], reportEverySeconds: 1 },
      eventStore: `esdb://127.0.0.1:${toLog.port}?tls=false`,
      readStore: `mongodb://127.0.0.1:${toModels.port}/${database.database}${path.search}`,
    });
    return startServer(config, pino({ level: process.env.SCORIA_TEST_LOG ?? 'silent' }));
  };
  const volumeOf = async (name: string): Promise<string> => {
    const { body } = await createVolume(name);
    await until(`${name} is available`, 20_000, async () => (await statusOf(body.volume.id)) === 'available');
    return body.volume.id;
  };

  const leaseTokens = async (): Promise<ReadonlyMap<string, number>> => {
    const direct = new MongoClient(database.url);
    const leases = await direct
      .db(database.database)
      .collection<{ _id: string; token: number }>('leases')
      .find()
      .toArray();
    await direct.close();
    return new Map(leases.map(({ _id, token }) => [_id, Number(token)]));
  };

  beforeAll(async () => {
    log = await startProtocolServer();
    database = testDatabase();
    toLog = await openProxy(log.port);
    toModels = await openProxy(Number(new URL(database.url.replace('mongodb:', 'http:')).port));
  });
  afterEach(() => {
    toLog.heal();
    toModels.heal();
  });
  afterAll(async () => {
    await server?.stop();
    await toLog.close();
    await toModels.close();
    await log.stop();
    await database.drop();
    rmSync(dataDir, { recursive: true });
  });

  it('are waited for at the start, and named', async () => {
    toLog.refuse();
    toModels.hang();
    const starting = start();
    await until('it says that it lives', 5_000, async () => (await fetch(`${base}/healthz`)).status === 200);
    const [ready, list] = [await readyz(), await call('GET', '/volumes')];
    expect(ready.status).toBe(503);
    expect(ready.body.missing.join()).toMatch(/event store: .*read store: .*coordination: /);
    expect([list.status, list.body.serviceUnavailable.code]).toEqual([503, 503]);
    expect(Number(list.retryAfter)).toBeGreaterThan(0);
    toModels.heal();
    await until('only the log is missing', 20_000, async () => {
      const { missing } = (await readyz()).body;
      return missing.length === 1 && missing[0].startsWith('event store: ');
    });
    toLog.heal();
    server = await starting;
    await until('it is ready', 20_000, isReady);
    await volumeOf('first');
  }, 90_000);

  describe.each([['refuse' as const], ['hang' as const]])('when they %s', (fault) => {
    it('the log: writes get 503 in time, reads go on, nothing that was told is lost', async () => {
      const kept = await volumeOf(`before-${fault}`);
      toLog[fault]();
      const created = await createVolume('while-away');
      const [list, ready] = [await call('GET', '/volumes/detail'), await readyz()];
      expect(created.status).toBe(503);
      expect(created.ms).toBeLessThan(AT_MOST_MS);
      expect(Number(created.retryAfter)).toBeGreaterThan(0);
      expect(list.status).toBe(200);
      expect(ready.status).toBe(503);
      expect(ready.ms).toBeLessThan(READY_WITHIN_MS);
      expect(ready.body.missing).toEqual([expect.stringMatching(/^event store: /)]);
      toLog.heal();
      await until('it is ready again', 30_000, isReady);
      expect(await statusOf(kept)).toBe('available');
      await volumeOf(`after-${fault}`);
    }, 120_000);

    it('the read store: everything that needs it gets 503 in time', async () => {
      toModels[fault]();
      const [list, created, ready] = [await call('GET', '/volumes'), await createVolume('in-between'), await readyz()];
      expect([list.status, list.ms < AT_MOST_MS]).toEqual([503, true]);
      // the log is there: it is created, or not begun
      expect([202, 503]).toContain(created.status);
      expect(created.ms).toBeLessThan(AT_MOST_MS);
      expect(ready.status).toBe(503);
      expect(ready.ms).toBeLessThan(READY_WITHIN_MS);
      expect(ready.body.missing.join()).toMatch(/read store: .*coordination: /);
      toModels.heal();
      await until('it is ready again', 30_000, isReady);
      await volumeOf(`models-back-${fault}`);
    }, 120_000);
  });

  it('an append whose answer is lost is done once', async () => {
    toLog.loseAnswerTo('VolumeCreationRequested');
    const created = await call(
      'POST',
      '/volumes',
      { volume: { size: 1, name: 'once' } },
      { 'Idempotency-Key': 'once' },
    );
    const again = await call('POST', '/volumes', { volume: { size: 1, name: 'once' } }, { 'Idempotency-Key': 'once' });
    expect([202, 503]).toContain(created.status);
    expect(again.status).toBe(202);
    const { body } = await call('GET', '/volumes?name=once');
    expect(body.volumes).toHaveLength(1);
  });

  it('coordination that hangs longer than a lease lasts: backends are given up, and taken again', async () => {
    const before = await leaseTokens();
    toModels.hang();
    await sleep(22_000);
    expect((await readyz()).body.missing.join()).toMatch(/coordination: /);
    toModels.heal();
    await until('it is ready again', 60_000, isReady);
    await volumeOf('after-the-lease');
    const after = await leaseTokens();
    const backend = [...before.keys()].find((resource) => resource.includes('file')) ?? '';
    expect(after.get(backend)).toBeGreaterThan(before.get(backend) ?? Number.POSITIVE_INFINITY);
  }, 180_000);

  it('in the end nothing is on its way, and the ledger is right', async () => {
    await until('all is at rest', 60_000, async () => {
      const { body } = await call('GET', '/volumes/detail?limit=1000');
      const statuses = body.volumes.map(({ status }: { status: string }) => status);
      const usage = (await call('GET', '/os-quota-sets/demo?usage=true')).body.quota_set;
      return (
        statuses.every((status: string) => status === 'available') &&
        usage.volumes.reserved === 0 &&
        usage.volumes.in_use === statuses.length &&
        usage.gigabytes.in_use === statuses.length
      );
    });
  }, 90_000);
});
