import { closeSync, copyFileSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyEventStore } from '../../src/adapters/sqlite/event-store-check.ts';
import { operationStream } from '../../src/commands/operations.ts';
import { quotaStream, volumeStream } from '../../src/commands/streams.ts';
import { storeFiles } from '../../src/config.ts';
import { deriveId, operationIdOf, resourceIdOf } from '../../src/domain/kernel/ids.ts';
import { amountsOfVolume } from '../../src/domain/quota/index.ts';
import type { EventStore, EventToAppend, ExpectedRevision } from '../../src/ports/event-store.ts';
import { createLocalServer, type LocalServer, UNLIMITED } from './local-server.ts';

/** A store is a file and what SQLite keeps beside it. */
const partsOf = (file: string): readonly string[] => {
  const folder = join(file, '..');
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => path.startsWith(file) && !path.endsWith('.old'));
};

const removeStore = (file: string): void => {
  for (const part of partsOf(file)) rmSync(part);
};

/** Of a server that has stopped: its stores are single files. */
const keepStore = (file: string): void => copyFileSync(file, `${file}.old`);

const restoreStore = (file: string): void => {
  removeStore(file);
  copyFileSync(`${file}.old`, file);
};

function overwrite(file: string, at: number, bytes: string): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, bytes, at, 'latin1');
  closeSync(descriptor);
}

const metadata = (commandId: string): EventToAppend['metadata'] => ({
  commandId,
  correlationId: `req-${commandId}`,
  causationId: commandId,
  actor: { userId: 'tester', projectId: 'alpha', roles: ['admin'], kind: 'user' },
  at: Date.now(),
  schemaVersion: 1,
});

async function lastRevision(eventStore: EventStore, stream: string): Promise<ExpectedRevision> {
  for await (const event of eventStore.readStream(stream, { direction: 'backwards', limit: 1 })) return event.revision;
  return 'no-stream';
}

/** What a create had appended to the project's ledger when its process died: the charge, and nothing else. */
async function appendOrphan(
  server: LocalServer,
  key: string,
  sizeGiB: number,
): Promise<{ operationId: string; volumeId: string }> {
  const commandId = deriveId('alpha', key);
  const volumeId = resourceIdOf(commandId, 'volume');
  const operationId = operationIdOf(commandId);
  const typeId = [...server.log.volumes.values()][0]?.volume?.volumeTypeId ?? '';
  await server.writeLog(async (eventStore) => {
    const stream = quotaStream('alpha');
    const last = await lastRevision(eventStore, stream);
    const charge = {
      projectId: 'alpha',
      operationId,
      amounts: amountsOfVolume(sizeGiB, typeId),
      landsIn: volumeStream(volumeId),
      reserved: false,
    };
    await eventStore.append(stream, last, [
      { id: crypto.randomUUID(), type: 'QuotaCharged', data: charge, metadata: metadata(crypto.randomUUID()) },
    ]);
  });
  return { operationId, volumeId };
}

describe('a charge without its request, as kill -9 leaves it', () => {
  const server = createLocalServer();
  const used = async (): Promise<number> =>
    (await server.send('GET', '/os-quota-sets/alpha?usage=true')).json.quota_set.gigabytes.in_use;

  beforeAll(async () => {
    await server.start();
    await server.available({ size: 1 });
    await server.stop();
    await appendOrphan(server, 'late', 7);
    const { operationId, volumeId } = await appendOrphan(server, 'lapsed', 20);
    await server.writeLog(async (eventStore) => {
      const lapsed = { id: crypto.randomUUID(), type: 'RequestLapsed', data: { operationId } };
      await eventStore.append(volumeStream(volumeId), 'no-stream', [
        { ...lapsed, metadata: metadata(crypto.randomUUID()) },
      ]);
    });
    await server.start();
  });
  afterAll(() => server.dispose());

  it('is given back within seconds, also where its request was made to lapse already', async () => {
    const startedAt = performance.now();
    expect(await used()).toBe(28);
    while ((await used()) !== 1 && performance.now() - startedAt < 9_000) await sleep(50);
    expect(await used()).toBe(1);
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    await server.expectSound();
    expect(server.log.quotas.get('alpha')?.charged).toMatchObject({ volumes: 1, gigabytes: 1 });
  });

  it('is nothing that its request can still use', async () => {
    const late = await server.create({ size: 7 }, { headers: { 'Idempotency-Key': 'late' } });
    expect([late.status, late.json.conflictingRequest?.message]).toEqual([409, expect.stringContaining('has lapsed')]);
    await server.expectSound();
  });
});

describe('an operation that a newer build has begun', () => {
  const server = createLocalServer();
  const volumeId = crypto.randomUUID();
  const operationId = crypto.randomUUID();
  beforeAll(() => server.start());
  afterAll(() => server.dispose());

  const noted = (): readonly unknown[] => {
    const database = new DatabaseSync(storeFiles(server.config).coordination, { readOnly: true });
    const work = database.prepare("SELECT id FROM work WHERE kind = 'operation'").all();
    database.close();
    return work.map(({ id }) => id);
  };

  it('is left alone, and stays noted as unfinished however often this build starts', async () => {
    const events = await server.eventsOf(volumeStream(await server.available({})));
    await server.stop();
    const request = { ...(events[0]?.data as object), volumeId, operationId };
    const started = {
      ...{ operationId, kind: 'create-volume', version: 99, steps: ['conjure'], projectId: 'alpha', input: request },
      resource: { type: 'volume', id: volumeId, volumeId },
    };
    await server.writeLog(async (eventStore) => {
      const one = (type: string, data: object): EventToAppend[] => [
        { id: crypto.randomUUID(), type, data, metadata: metadata(crypto.randomUUID()) },
      ];
      await eventStore.append(volumeStream(volumeId), 'no-stream', one('VolumeCreationRequested', request));
      await eventStore.append(operationStream(operationId), 'no-stream', one('OperationStarted', started));
    });
    for (let starts = 0; starts < 2; starts += 1) {
      await server.start();
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      expect(metrics).toContain('scoria_operations_open 1');
      await sleep(700);
      await server.stop();
      expect(noted()).toEqual([operationId]);
    }
    expect((await server.eventsOf(operationStream(operationId))).map(({ type }) => type)).toEqual(['OperationStarted']);
  });
});

describe('an event that only a newer build can read', () => {
  const server = createLocalServer();
  beforeAll(() => server.start());
  afterAll(() => server.dispose());

  it('keeps operations from being driven and commands of its stream from being decided; the rest is served', async () => {
    const volumeId = await server.available({});
    await server.stop();
    await server.writeLog(async (eventStore) => {
      const stream = quotaStream('alpha');
      const last = await lastRevision(eventStore, stream);
      const unknown = { id: crypto.randomUUID(), type: 'QuotaGifted', data: { projectId: 'alpha' } };
      await eventStore.append(stream, last, [{ ...unknown, metadata: metadata(crypto.randomUUID()) }]);
    });
    await server.start();
    const ready = await fetch(`${server.url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('QuotaGifted')]);
    expect((await server.send('GET', `/volumes/${volumeId}`)).json.volume.status).toBe('available');
    expect((await server.create({})).status).toBe(503);
    const ofAnother = await server.create({}, { project: 'beta' });
    expect([ofAnother.status, ofAnother.json.volume.status]).toEqual([202, 'creating']);
  });
});

describe('read models', () => {
  const server = createLocalServer();
  const { readModels, events, coordination } = storeFiles(server.config);
  beforeAll(() => server.start());
  afterAll(() => server.dispose());

  const namesListed = async (): Promise<readonly string[]> =>
    (await server.send('GET', '/volumes')).json.volumes.map(({ name }: { name: string }) => name).sort();

  it('that were deleted are made again before the first client is served', async () => {
    await server.available({ name: 'one' });
    await server.stop();
    removeStore(readModels);
    await server.start();
    expect(await namesListed()).toEqual(['one']);
    await server.expectSound();
  });

  it('that are older than the log catch up', async () => {
    await server.stop();
    keepStore(readModels);
    keepStore(events);
    keepStore(coordination);
    await server.start();
    await server.available({ name: 'two' });
    await server.stop();
    restoreStore(readModels);
    await server.start();
    expect(await namesListed()).toEqual(['one', 'two']);
    await server.expectSound();
  });

  it('that are ahead of a log restored from a backup are rebuilt, and so is what the operations know', async () => {
    await server.stop();
    restoreStore(events);
    const restored = createLocalServer({ quota: UNLIMITED }, server.config.dataDir);
    await restored.start();
    const deadline = performance.now() + 10_000;
    const ready = async () => (await fetch(`${restored.url}/readyz`)).status === 200;
    while (!(await ready()) && performance.now() < deadline) await sleep(50);
    expect(
      (await restored.send('GET', '/volumes')).json.volumes.map(({ name }: { name: string }) => name),
      'the volume that the log does not know any more is gone',
    ).toEqual(['one']);
    await restored.available({ name: 'three' });
    expect(await verifyEventStore(events)).toMatchObject({ damages: [] });
    await restored.stop();
  });
});

describe('a damaged log', () => {
  const server = createLocalServer();
  const { events } = storeFiles(server.config);
  beforeAll(async () => {
    await server.start();
    await server.available({ name: 'precious' });
    await server.stop();
    keepStore(events);
  });
  afterAll(() => server.dispose());

  it('is named at the start, with what is wrong, where its header is gone', async () => {
    overwrite(events, 0, 'not a database at all');
    await expect(server.start()).rejects.toThrow(`${events} is damaged`);
  });

  it('is named at the start where a byte of an event has changed', async () => {
    restoreStore(events);
    overwrite(events, readFileSync(events, 'latin1').lastIndexOf('precious'), 'specious');
    await expect(server.start()).rejects.toThrow(/events\.db is damaged: .*checksum of the event at position \d+/);
  });

  it('leaves nothing running: with the file restored, the server starts', async () => {
    restoreStore(events);
    await server.start();
    await server.expectSound();
  });
});
