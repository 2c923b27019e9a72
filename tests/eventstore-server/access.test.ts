import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessDeniedError, EventStoreDBClient, jsonEvent, START } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aStream, collect, connect, failureOf, numbered, numbersIn, UNARY } from './client.ts';
import { type EmbeddedServer, startEmbeddedServer } from './embedded-server.ts';
import { follow } from './subscriber.ts';

const credentials = [{ username: 'admin', password: 'für 🐙:x' }];
const files = mkdtempSync(join(tmpdir(), 'scoria-tls-'));
afterAll(() => rmSync(files, { recursive: true }));

/** A certificate of this machine's own; null where there is no openssl to make one. */
function certificate(): { readonly certificate: Buffer; readonly privateKey: Buffer; readonly file: string } | null {
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

describe('a server beyond loopback', () => {
  const tls = { certificate: Buffer.from(''), privateKey: Buffer.from('') };
  it.each([
    ['without credentials and TLS', '0.0.0.0', {}],
    ['without TLS', '0.0.0.0', { credentials }],
    ['without credentials', '192.0.2.1', { tls }],
    ['on every address of IPv6', '::', {}],
  ])('%s does not start', async (_what, host, options) => {
    await expect(startEmbeddedServer({ host, ...options })).rejects.toThrow('is not a loopback address');
  });
});

const made = certificate();
describe.skipIf(made === null)('a server with credentials and TLS (needs openssl)', () => {
  let server: EmbeddedServer;
  const clients: EventStoreDBClient[] = [];

  const connectAs = (username?: string, password = ''): EventStoreDBClient => {
    const client = new EventStoreDBClient(
      { endpoint: `localhost:${server.port}` },
      { rootCertificate: made?.certificate ?? Buffer.from('') },
      username === undefined ? undefined : { username, password },
    );
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    if (made !== null) server = await startEmbeddedServer({ host: '127.0.0.1', credentials, tls: made });
  });
  afterAll(async () => {
    for (const client of clients) await client.dispose();
    await server.stop();
  });

  it('serves who knows the password, by either path', async () => {
    const client = connectAs('admin', 'für 🐙:x');
    const stream = aStream();
    await client.appendToStream(stream, numbered(0));
    await client.appendToStream(stream, numbered(1), { credentials: { username: 'admin', password: 'für 🐙:x' } });
    expect(await numbersIn(client.readStream(stream))).toEqual([0, 1]);
    const [event] = await collect(server.eventStore.readStream(stream));
    expect(event?.metadata).toMatchObject({ actor: { userId: 'admin' }, origin: '127.0.0.1' });
  });

  it.each([
    ['a wrong password', 'admin', 'wrong'],
    ['an unknown name', 'nobody', 'für 🐙:x'],
    ['no name at all', undefined, ''],
  ])('denies access with %s', async (_what, username, password) => {
    const client = connectAs(username, password);
    const work = [
      () => client.appendToStream(aStream(), numbered(0)),
      () => collect(client.readStream(aStream())),
      () => collect(client.readAll()),
      () => client.deleteStream(aStream()),
      () => client.tombstoneStream(aStream()),
      () => follow(client.subscribeToAll({ fromPosition: START })),
    ];
    for (const attempt of work) expect(await failureOf(attempt())).toBeInstanceOf(AccessDeniedError);
  });
});

describe("Scoria's own streams", () => {
  const own = { prefixes: ['volume-', 'volumeTypes'] };
  const scorias = {
    commandId: 'c',
    correlationId: 'r',
    causationId: 'x',
    actor: { userId: 'u', projectId: 'p', roles: [], kind: 'user' },
    at: 1,
    schemaVersion: 1,
  };
  const event = () => jsonEvent({ type: 'VolumeRenamed', data: { n: 1 }, metadata: scorias });

  it.each([
    ['for reading only', false],
    ["for Scoria's events", true],
  ])('are %s: nobody else appends to them, deletes them or sets their metadata', async (_what, writable) => {
    const server = await startEmbeddedServer({ ownStreams: { ...own, writable } });
    const client = connect(server);
    const stream = aStream('volume');
    await client.appendToStream(aStream('volumes'), numbered(0));
    for (const path of [{}, UNARY]) {
      const native = client.appendToStream(stream, event(), path).then(
        () => true,
        (error: unknown) => error,
      );
      if (writable) expect(await native).toBe(true);
      else expect(await native).toBeInstanceOf(AccessDeniedError);
      for (const foreign of [
        numbered(0),
        { ...event(), metadata: { ...scorias, foreign: {} } },
        [event(), numbered(0)],
      ]) {
        expect(await failureOf(client.appendToStream(stream, foreign, path))).toBeInstanceOf(AccessDeniedError);
      }
    }
    expect(await failureOf(client.setStreamMetadata(stream, { maxCount: 1 }))).toBeInstanceOf(AccessDeniedError);
    expect(await failureOf(client.appendToStream(`$$${stream}`, event()))).toBeInstanceOf(AccessDeniedError);
    expect(await failureOf(client.deleteStream(stream))).toBeInstanceOf(AccessDeniedError);
    expect(await failureOf(client.tombstoneStream('volumeTypes'))).toBeInstanceOf(AccessDeniedError);
    expect(await collect(server.eventStore.readStream(stream))).toHaveLength(writable ? 2 : 0);
    expect(server.faults).toEqual([]);
    await client.dispose();
    await server.stop();
  });
});
