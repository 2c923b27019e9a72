import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { type Server, startServer } from '../../src/server/server.ts';
import { badRequests } from './all.ts';
import { createSender, type Expectation, type Sender } from './bad-request.ts';
import { runBatch } from './batch.ts';
import { routesWithoutSample } from './from-bodies.ts';
import { socketCases, trySocket } from './sockets.ts';
import { makeThings, type Things } from './things.ts';

/** One request in so many of what `npm run test:bad-input` sends, and all connections. */
const REQUEST_TIMEOUT_MS = 500;
const ONE_OF = 31;

const dataDir = mkdtempSync(join(tmpdir(), 'scoria-bad-input-'));
const config = parseConfig({
  dataDir,
  server: { port: 0, requestTimeoutSeconds: REQUEST_TIMEOUT_MS / 1_000 },
  quota: { volumes: -1, snapshots: -1, gigabytes: -1 },
});
let server: Server;
let sender: Sender;
let things: Things;

beforeAll(async () => {
  server = await startServer(config, pino({ level: 'silent' }));
  sender = createSender(server.url ?? '');
  things = await makeThings(server.url ?? '');
});
afterAll(async () => {
  sender.close();
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

it('has a good body for every route that takes one, from which the bad ones are made', () => {
  expect(routesWithoutSample()).toEqual([]);
});

describe('what is wrong is refused by name, and leaves nothing that it should not', () => {
  it.each(['malformed', 'refused', 'odd'] as const)('%s requests', async (expectation: Expectation) => {
    const some = badRequests(things)[expectation].filter((_, index) => index % ONE_OF === 0);
    expect(some.length).toBeGreaterThan(40);
    expect((await runBatch(config, sender, expectation, some)).failures).toEqual([]);
  });
});

it('connections that do not behave are closed in time', async () => {
  const cases = socketCases(REQUEST_TIMEOUT_MS);
  const results = await Promise.all(
    cases.map(async (one) => [one.what, await trySocket(server.url ?? '', one)] as const),
  );
  expect(results.filter(([, why]) => why !== null)).toEqual([]);
});
