import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ANY, binaryEvent, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEventStoreDb } from '../../../src/adapters/eventstoredb/event-store.ts';
import type { EventStore } from '../../../src/ports/event-store.ts';
import {
  anEvent,
  caughtUp,
  collect,
  deliveriesUntil,
  events,
  eventsOf,
  numbersOf,
  ownStreams,
} from '../../contracts/event-store-fixtures.ts';
import { startProtocolServer, type TestServer } from './server.ts';

/** What operators and other programs do to the same store. */
describe('streams of an EventStoreDB that others touch', () => {
  let server: TestServer;
  let store: EventStore;
  let client: EventStoreDBClient;
  const own = ownStreams();

  beforeAll(async () => {
    server = await startProtocolServer();
    store = await openEventStoreDb({ connectionString: server.connectionString });
    client = EventStoreDBClient.connectionString(server.connectionString);
  });
  afterAll(async () => {
    await store.close();
    await client.dispose();
    await server.stop();
  });

  it('that was deleted is not there, and goes on behind its old revisions when it is made again', async () => {
    const name = own.stream();
    await store.append(name, 'no-stream', events(2));
    await client.deleteStream(name);
    expect(await collect(store.readStream(name))).toEqual([]);
    expect(await collect(store.readStream(name, { direction: 'backwards' }))).toEqual([]);
    const again = await store.append(name, 'no-stream', [anEvent({ n: 'again' })]);
    expect(again.revision).toBe(2n);
    const [only] = await collect(store.readStream(name));
    expect(only?.revision).toBe(2n);
    expect((await store.append(name, 2n, events(1))).revision).toBe(3n);
  });

  it('that was deleted for good is not there, and takes nothing more', async () => {
    const name = own.stream();
    await store.append(name, 'no-stream', events(2));
    await client.tombstoneStream(name);
    expect(await collect(store.readStream(name))).toEqual([]);
    await expect(store.append(name, 'no-stream', events(1))).rejects.toThrow(/deleted for good/);
    await expect(store.append(name, 1n, events(1))).rejects.toThrow(/deleted for good/);
  });

  it('that was cut short yields what is left, under its old revisions', async () => {
    const name = own.stream();
    await store.append(name, 'no-stream', events(10));
    await client.setStreamMetadata(name, { maxCount: 3 });
    const left = await collect(store.readStream(name));
    expect(left.map(({ revision }) => revision)).toEqual([7n, 8n, 9n]);
    expect(numbersOf(await collect(store.readStream(name, { direction: 'backwards' })))).toEqual([9, 8, 7]);
    expect((await store.append(name, 9n, events(1))).revision).toBe(10n);
  });

  it('of the server itself are left out of the log, of its end and of subscriptions', async () => {
    const name = own.stream();
    const { position } = await store.append(name, 'no-stream', events(1));
    await client.setStreamMetadata(name, { custom: true });
    await client.appendToStream(`$mine-${randomUUID()}`, jsonEvent({ type: 'T', data: {} }), { expectedRevision: ANY });
    const log = await collect(store.readAll());
    expect(log.filter(({ stream }) => stream.startsWith('$'))).toEqual([]);
    expect(log.at(-1)?.position).toBe(position);
    expect(await store.head()).toBe(position);
    const stop = new AbortController();
    const deliveries = await deliveriesUntil(store.subscribe({ after: null, signal: stop.signal }), caughtUp);
    expect(eventsOf(deliveries).map(({ id }) => id)).toEqual(log.map(({ id }) => id));
    const last = deliveries.at(-1);
    expect(last?.kind === 'caught-up' && last.position, 'everything was seen, theirs too').toBeGreaterThan(position);
  });

  it('with events of other programs yield them marked as theirs', async () => {
    const name = own.stream();
    await client.appendToStream(name, [
      jsonEvent({ type: 'Theirs', data: { n: 1 }, metadata: { from: 'them' } }),
      binaryEvent({ type: 'Bytes', data: Buffer.from([1, 2, 255]), metadata: Buffer.from([9, 200]) }),
      jsonEvent({ type: 'Bare', data: { n: 2 } }),
    ]);
    const read = await collect(store.readStream(name));
    expect(read.map(({ type, data, metadata }) => [type, data, metadata.foreign])).toEqual([
      ['Theirs', { n: 1 }, { json: true, data: 'json', metadata: '{"from":"them"}' }],
      ['Bytes', 'AQL/', { json: false, data: 'base64', metadataBase64: 'Ccg=' }],
      ['Bare', { n: 2 }, { json: true, data: 'json' }],
    ]);
    for (const { metadata } of read) expect(metadata).toMatchObject({ schemaVersion: 1, actor: { kind: 'user' } });
  });
});

const files = mkdtempSync(join(tmpdir(), 'scoria-eventstoredb-tls-'));
afterAll(() => rmSync(files, { recursive: true }));

function certificate() {
  const [key, file] = [join(files, 'key.pem'), join(files, 'certificate.pem')];
  try {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', file, ...subject], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return { certificate: readFileSync(file), privateKey: readFileSync(key), file };
}

const tls = certificate();

describe.skipIf(tls === null)('an EventStoreDB with TLS and passwords (needs openssl)', () => {
  let server: TestServer;
  beforeAll(async () => {
    if (tls === null) return;
    server = await startProtocolServer({ tls, credentials: [{ username: 'scoria', password: 'für 🐙:x@y' }] });
  });
  afterAll(() => server.stop());

  const open = (user: string): Promise<EventStore> =>
    openEventStoreDb({
      connectionString: `esdb://${user}localhost:${server.port}?tls=true&tlsCAFile=${encodeURIComponent(tls?.file ?? '')}`,
      limits: { readPatienceMs: 1_000, appendPatienceMs: 1_000 },
    });

  it('is spoken to with what the connection string says', async () => {
    const store = await open(`scoria:${encodeURIComponent('für 🐙:x@y')}@`);
    const name = ownStreams().stream();
    await store.append(name, 'no-stream', events(3));
    expect(await collect(store.readStream(name))).toHaveLength(3);
    const stop = new AbortController();
    const deliveries = await deliveriesUntil(store.subscribe({ after: null, signal: stop.signal }), caughtUp);
    expect(eventsOf(deliveries)).toHaveLength(3);
    await store.close();
  });

  it.each([
    ['a wrong password', 'scoria:wrong@'],
    ['no name', ''],
  ])('refuses %s at once: that is no absence of the server', async (_, user) => {
    const started = performance.now();
    await expect(open(user)).rejects.toMatchObject({ type: 'access-denied' });
    expect(performance.now() - started).toBeLessThan(900);
  });
});
