import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { type Server, startServer } from '../../src/server/server.ts';
import { MODEL_CONFIG, runSequences } from './sequences.ts';

/** A few of the sequences that `npm run test:model` sends by the hundred; the same ones every time. */
const dataDir = mkdtempSync(join(tmpdir(), 'scoria-model-'));
let server: Server;

beforeAll(async () => {
  server = await startServer(parseConfig({ ...MODEL_CONFIG, dataDir, server: { port: 0 } }), pino({ level: 'silent' }));
  // the default type is shown once the read models have it
  await vi.waitFor(async () => expect((await fetch(`${server.url}/readyz`)).status).toBe(200), { timeout: 20_000 });
});
afterAll(async () => {
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

it.each(['settled', 'hasty'] as const)('random sequences agree with the model (%s)', async (mode) => {
  const options = { url: server.url ?? '', mode, seed: 1, runs: 2, withinMs: 60_000, maxCommands: 25 };
  const { sequences, failure } = await runSequences(options);
  expect(failure?.story).toBeUndefined();
  expect(sequences).toBe(2);
});
