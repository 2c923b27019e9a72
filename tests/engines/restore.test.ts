import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqliteEventStore } from '../../src/adapters/sqlite/event-store.ts';
import { parseConfig } from '../../src/config.ts';
import { createEventStoreServer } from '../../src/eventstore-server/server.ts';
import { type Server, startServer } from '../../src/server/server.ts';
import { stopInOrder } from '../../src/server/stopping.ts';
import { mongoServer, type TestDatabase, testDatabase } from '../adapters/mongodb/server.ts';
import { clientOf } from './client.ts';
import { reservedPort } from './reserved-port.ts';

const mongo = mongoServer();

/** The whole server over a log that is put back to an earlier one, as docs/operations-guide.md says it is done. */
describe.skipIf(mongo.url === null)(`a log that is restored from a backup (${mongo.reason})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'scoria-restore-'));
  const backupFile = join(folder, 'backup.db');
  let database: TestDatabase;
  let running: (() => Promise<void>) | null = null;
  let base = '';
  const { until, createVolume, statusOf, readyz, call } = clientOf(() => base);

  /** The protocol's server on this log, and Scoria over it. */
  const start = async (logFile: string): Promise<void> => {
    const eventStore = await openSqliteEventStore({ file: logFile });
    const protocol = createEventStoreServer({ eventStore, logger: { error: () => undefined } });
    const logPort = await protocol.listen('127.0.0.1', 0);
    const port = await reservedPort();
    base = `http://127.0.0.1:${port}`;
    const path = new URL(database.url.replace('mongodb:', 'http:'));
    const config = parseConfig({
      dataDir: join(folder, 'data'),
      server: { port },
      storage: { backends: [{ name: 'file', pools: [{ name: 'pool' }] }], reportEverySeconds: 1 },
      eventStore: `esdb://127.0.0.1:${logPort}?tls=false`,
      readStore: `mongodb://${path.host}/${database.database}${path.search}`,
    });
    const server: Server = await startServer(config, pino({ level: process.env.SCORIA_TEST_LOG ?? 'silent' }));
    running = () => stopInOrder([[() => server.stop()], [() => protocol.close()], [() => eventStore.close()]]);
    await until('it is ready', 30_000, async () => (await readyz()).status === 200);
  };
  const stop = async (): Promise<void> => {
    await running?.();
    running = null;
  };
  const available = async (name: string): Promise<string> => {
    const { status, body } = await createVolume(name);
    expect(status).toBe(202);
    await until(`${name} is available`, 20_000, async () => (await statusOf(body.volume.id)) === 'available');
    return body.volume.id;
  };
  const inUse = async (): Promise<number> =>
    (await call('GET', '/os-quota-sets/demo?usage=true')).body.quota_set.volumes.in_use;
  const drift = async (): Promise<string> =>
    (await (await fetch(`${base}/metrics`)).text())
      .split('\n')
      .filter((line) => line.startsWith('scoria_backend_drift{'))
      .join('\n');

  const before = { kept: '', deletedLater: '' };
  let createdLater = '';

  beforeAll(async () => {
    database = testDatabase();
    const logFile = join(folder, 'events.db');
    await start(logFile);
    before.kept = await available('kept');
    before.deletedLater = await available('deleted later');
    const log = new DatabaseSync(logFile, { readOnly: true });
    await backup(log, backupFile);
    log.close();
    createdLater = await available('created later');
    await call('DELETE', `/volumes/${before.deletedLater}`);
    await until('it is gone', 20_000, async () => (await statusOf(before.deletedLater)) === 'http 404');
    await stop();
  }, 120_000);
  afterAll(async () => {
    await stop();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  it.each(['left as it was', 'dropped'] as const)(
    'is gone on with, the database %s: what it says is what there is, and what the backend has besides is told',
    async (how) => {
      if (how === 'dropped') await database.drop();
      const logFile = join(folder, `restored ${how}.db`);
      const source = new DatabaseSync(backupFile, { readOnly: true });
      await backup(source, logFile);
      source.close();
      await start(logFile);

      await until(
        'the read models are those of the log',
        30_000,
        async () => (await statusOf(createdLater)) === 'http 404',
      );
      expect([await statusOf(before.kept), await statusOf(before.deletedLater)]).toEqual(['available', 'available']);
      expect(await inUse()).toBe(2);
      const created = await available(`after, ${how}`);
      expect(await inUse()).toBe(3);
      await until('the drift is told', 30_000, async () => {
        const told = await drift();
        return /drift="missing"\} 1$/m.test(told) && /drift="unknown"\} 1$/m.test(told);
      });
      expect((await call('DELETE', `/volumes/${created}`)).status).toBe(202);
      await until('it is gone', 20_000, async () => (await statusOf(created)) === 'http 404');
      await stop();
    },
    120_000,
  );
});
