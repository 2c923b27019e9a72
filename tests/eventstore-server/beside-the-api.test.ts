import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessDeniedError, EventStoreDBClient, START, streamNameFilter } from '@eventstore/db-client';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  messagesStream,
  poolStream,
  QUOTA_CLASSES_STREAM,
  quotaStream,
  refusalsStream,
  serviceStream,
  VOLUME_TYPES_STREAM,
  volumeStream,
} from '../../src/commands/streams.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { OWN_STREAM_PREFIXES, serveEventStoreProtocol } from '../../src/server/event-store-protocol.ts';
import { type Server, startServer } from '../../src/server/server.ts';
import { aStream, collect, failureOf, numbered } from './client.ts';
import { follow } from './subscriber.ts';

/** The protocol as a server of Scoria serves it, over the log that its own API writes. */

const logger = pino({ level: 'silent' });
let dataDir: string;
let server: Server;
let client: EventStoreDBClient;

const configured = (eventStoreServer: object): Config =>
  parseConfig({ dataDir, server: { port: 0 }, logLevel: 'silent', eventStoreServer });

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'scoria-protocol-'));
  server = await startServer(configured({ port: 0 }), logger);
  client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${server.eventStorePort}?tls=false`);
});
afterAll(async () => {
  await client.dispose();
  await server.stop();
  await rm(dataDir, { recursive: true });
});

const call = async (method: string, path: string, body?: object) => {
  const response = await fetch(`${server.url}/v3/demo/${path}`, {
    method,
    headers: { 'X-Auth-Token': 'admin:demo', 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, { readonly id: string }> };
};

describe("a consumer of Scoria's log", () => {
  it('sees what commands record, as it happens, with who asked', async () => {
    const subscriber = await follow(
      client.subscribeToAll({ fromPosition: START, filter: streamNameFilter({ prefixes: ['volume-'] }) }),
    );
    const created = await call('POST', 'volumes', { volume: { size: 1 } });
    expect(created.status).toBe(202);
    const stream = volumeStream(created.body.volume?.id ?? '');
    await subscriber.until(({ streams, types }) => streams.includes(stream) && types.includes('VolumeCreated'));
    await subscriber.stop();
    const [first] = await collect(client.readStream(stream));
    expect(first?.event).toMatchObject({
      type: 'VolumeCreationRequested',
      isJson: true,
      revision: 0n,
      metadata: { actor: { userId: 'admin', projectId: 'demo' }, schemaVersion: expect.any(Number) },
    });
  });

  it("may keep notes of its own in the log, which Scoria's read models pass over", async () => {
    const stream = aStream('audit');
    await client.appendToStream(stream, [numbered(0), { ...numbered(1), type: 'NothingFailed', data: null as never }]);
    await client.setStreamMetadata(stream, { maxCount: 10 });
    await client.deleteStream(stream);
    const created = await call('POST', 'volumes', { volume: { size: 1 } });
    const id = created.body.volume?.id;
    expect(await call('GET', `volumes/${id}`)).toMatchObject({ status: 200, body: { volume: { id } } });
    const ready = await fetch(`${server.url}/readyz`);
    expect(await ready.json()).toMatchObject({ ready: true });
    const events = await collect(client.readAll());
    expect(events.some(({ event }) => event?.streamId === stream)).toBe(true);
  });

  it("cannot write to Scoria's own streams", async () => {
    const created = await call('POST', 'volumes', { volume: { size: 1 } });
    const stream = volumeStream(created.body.volume?.id ?? '');
    expect(await failureOf(client.appendToStream(stream, numbered(0)))).toBeInstanceOf(AccessDeniedError);
    expect(await failureOf(client.tombstoneStream(stream))).toBeInstanceOf(AccessDeniedError);
    expect(await call('GET', `volumes/${created.body.volume?.id}`)).toMatchObject({ status: 200 });
  });
});

describe('the protocol', () => {
  it('knows every stream that commands write to as Scoria’s own', () => {
    const streams = [
      volumeStream('x'),
      VOLUME_TYPES_STREAM,
      quotaStream('x'),
      QUOTA_CLASSES_STREAM,
      poolStream('x'),
      serviceStream('a', 'b'),
      messagesStream('x'),
      refusalsStream('x', 0),
      'operation-x',
    ];
    for (const stream of streams) expect(OWN_STREAM_PREFIXES.some((prefix) => stream.startsWith(prefix))).toBe(true);
  });

  const serve = (eventStoreServer: object) =>
    serveEventStoreProtocol(configured(eventStoreServer).eventStoreServer, undefined as never, logger, {
      writable: false,
    });

  it('is not served where no port is named', async () => {
    expect(await serve({})).toBeNull();
  });

  it.each([
    ['beyond loopback', { port: 0, host: '0.0.0.0' }, 'is not a loopback address'],
    ['with half of what TLS needs', { port: 0, tlsKeyFile: 'key.pem' }, 'go together'],
    [
      'with a certificate that is not there',
      { port: 0, tlsKeyFile: 'no/key.pem', tlsCertificateFile: 'no/c.pem' },
      'tlsCertificateFile: ENOENT',
    ],
    [
      'with a password that is not there',
      { port: 0, users: [{ name: 'a', passwordFile: 'no/password' }] },
      'passwordFile: ENOENT',
    ],
  ])('is refused %s', async (_what, options, message) => {
    await expect(serve(options)).rejects.toThrow(message);
  });
});
