import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig, type Role } from '../../../src/config.ts';
import { type Server, startServer } from '../../../src/server/server.ts';
import { mongoServer, type TestDatabase, testDatabase } from '../mongodb/server.ts';

const mongo = mongoServer();
const logger = pino({ level: 'silent' });

/** One server for each role, over a log that is served by role `eventstore` and read models in MongoDB. */
describe.skipIf(mongo.url === null)(`servers that share the engines (${mongo.reason})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'scoria-roles-'));
  const running = new Set<Server>();
  let database: TestDatabase;
  let log: Server;
  let apis: readonly [Server, Server];
  let writers: readonly [Server, Server];

  const start = async (tree: object): Promise<Server> => {
    const server = await startServer(parseConfig({ server: { port: 0 }, ...tree }), logger);
    running.add(server);
    return server;
  };
  const stop = async (server: Server): Promise<void> => {
    running.delete(server);
    await server.stop();
  };
  const startRoles = (...roles: readonly Role[]): Promise<Server> =>
    start({
      roles,
      dataDir: join(folder, 'backends'),
      quota: { volumes: -1, gigabytes: -1 },
      eventStore: `esdb://127.0.0.1:${log.eventStorePort}?tls=false`,
      readStore: database.url.replace(/\/(\?|$)/, `/${database.database}$1`),
    });
  const ask = async (server: Server, method: string, path: string, body?: object) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { 'X-Auth-Token': 'admin:demo', 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, json: text.startsWith('{') ? JSON.parse(text) : null };
  };
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    for (let tries = 0; tries < 400; tries += 1) {
      if (await holds()) return;
      await sleep(50);
    }
    throw new Error('it has not come within 20 s');
  };
  const isReady = async (server: Server): Promise<boolean> => (await ask(server, 'GET', '/readyz')).status === 200;

  beforeAll(async () => {
    database = testDatabase();
    log = await start({ roles: ['eventstore'], dataDir: join(folder, 'log'), eventStoreServer: { port: 0 } });
    writers = [await startRoles('projections'), await startRoles('projections')];
    await startRoles('operations', 'storage');
    apis = [await startRoles('api'), await startRoles('api')];
    await until(async () => (await isReady(apis[0])) && (await isReady(apis[1])));
  });
  afterAll(async () => {
    for (const server of [...running].toReversed()) await server.stop();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  it('make a volume by one API, and show it at once by the other', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 10; count += 1) {
      const [one, other] = count % 2 === 0 ? apis : apis.toReversed();
      const created = await ask(one as Server, 'POST', '/v3/volumes', { volume: { size: 1, name: `v${count}` } });
      expect(created.status).toBe(202);
      ids.push(created.json.volume.id);
      const shown = await ask(other as Server, 'GET', `/v3/volumes/${ids.at(-1)}`);
      expect(shown.json.volume).toMatchObject({ name: `v${count}` });
    }
    const [, api] = apis;
    await until(async () => {
      const { volumes } = (await ask(api, 'GET', '/v3/volumes/detail')).json;
      return volumes.length === ids.length && volumes.every(({ status }: { status: string }) => status === 'available');
    });
  });

  it('have nothing but health and figures where they are no API', async () => {
    for (const server of [log, ...writers]) {
      expect((await ask(server, 'GET', '/healthz')).text).toBe('OK');
      expect(await isReady(server)).toBe(true);
      expect((await ask(server, 'GET', '/metrics')).status).toBe(200);
      expect((await ask(server, 'GET', '/v3/volumes')).status).toBe(404);
    }
  });

  it('rebuild a read model that an API is asked for', async () => {
    const [api, other] = apis;
    expect((await ask(api, 'POST', '/v3/projections/volumes/action', { rebuild: null })).status).toBe(202);
    const last = async () => (await ask(other, 'GET', '/v3/projections/volumes')).json.projection;
    await until(async () => {
      const { rebuild, last_rebuild } = await last();
      return rebuild === null && last_rebuild !== null;
    });
    expect(await last()).toMatchObject({ stopped: null, last_rebuild: { outcome: 'switched' } });
    expect((await ask(other, 'GET', '/v3/volumes')).json.volumes).toHaveLength(10);
  });

  it('hand the read models over where their writer is stopped, and say so where the last is', async () => {
    const [first, second] = writers;
    const [api] = apis;
    await stop(first);
    await until(async () => {
      const beganMs = performance.now();
      expect((await ask(api, 'POST', '/v3/volumes', { volume: { size: 1 } })).status).toBe(202);
      return performance.now() - beganMs < 1_500;
    });
    await until(() => isReady(api));
    await stop(second);
    await until(async () => {
      const { status, json } = await ask(api, 'GET', '/readyz');
      return status === 503 && json.missing.includes('no process keeps the read models');
    });
    expect((await ask(api, 'GET', '/v3/volumes')).status, 'reads go on').toBe(200);
    writers = [await startRoles('projections'), second];
    await until(() => isReady(api));
  });
});
