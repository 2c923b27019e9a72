import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config.ts';
import { type Server, startServer } from '../../../src/server/server.ts';
import { mongoServer, type TestDatabase, testDatabase } from '../mongodb/server.ts';
import { startProtocolServer, type TestServer } from './server.ts';

const mongo = mongoServer();

/** The whole server, its log behind EventStoreDB's protocol and its read models in MongoDB. */
describe.skipIf(mongo.url === null)(`a server over the engines (${mongo.reason})`, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'scoria-on-engines-'));
  let log: TestServer;
  let database: TestDatabase;
  let server: Server;

  const start = (): Promise<Server> => {
    const readStore = database.url.replace(/\/(\?|$)/, `/${database.database}$1`);
    const config = parseConfig({ dataDir, server: { port: 0 }, eventStore: log.connectionString, readStore });
    return startServer(config, pino({ level: 'silent' }));
  };
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${server.url}/v3/demo${path}`, {
      method,
      headers: { 'X-Auth-Token': 'admin:demo', 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
  };
  const becomes = async (id: string, status: string): Promise<void> => {
    for (let tries = 0; tries < 200; tries += 1) {
      const { body } = await call('GET', `/volumes/${id}`);
      if (body.volume?.status === status || (status === 'gone' && body.itemNotFound !== undefined)) return;
      await sleep(50);
    }
    throw new Error(`volume ${id} did not become ${status}`);
  };

  beforeAll(async () => {
    log = await startProtocolServer();
    database = testDatabase();
    server = await start();
  });
  afterAll(async () => {
    await server.stop();
    await log.stop();
    await database.drop();
    rmSync(dataDir, { recursive: true });
  });

  it('makes a volume, shows it at once, and deletes it', async () => {
    const created = await call('POST', '/volumes', { volume: { size: 1, name: 'a', metadata: { 'k.v': 'v' } } });
    expect(created.status).toBe(202);
    const { id } = created.body.volume;
    expect((await call('GET', `/volumes/${id}`)).body.volume).toMatchObject({ name: 'a', metadata: { 'k.v': 'v' } });
    await becomes(id, 'available');
    const found = await call('GET', `/volumes/detail?metadata=${encodeURIComponent("{'k.v': 'v'}")}`);
    expect(found.body.volumes.map((volume: { id: string }) => volume.id)).toEqual([id]);
    expect((await call('DELETE', `/volumes/${id}`)).status).toBe(202);
    await becomes(id, 'gone');
  });

  it('goes on after a restart with what it had', async () => {
    const { body } = await call('POST', '/volumes', { volume: { size: 1, name: 'kept' } });
    await becomes(body.volume.id, 'available');
    await server.stop();
    server = await start();
    expect((await call('GET', `/volumes/${body.volume.id}`)).body.volume).toMatchObject({ name: 'kept' });
    const another = await call('POST', '/volumes', { volume: { size: 1, name: 'after' } });
    await becomes(another.body.volume.id, 'available');
  });
});
