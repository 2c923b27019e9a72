import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createLogView } from '../crash/log-view.ts';
import { untilAtRest, whatIsBroken } from '../crash/rest.ts';
import { createServerHome } from '../crash/server-process.ts';
import { badRequests } from './all.ts';
import { type BadRequest, createSender } from './bad-request.ts';
import { type Failure, runBatch } from './batch.ts';
import { crowdOfSilent, deafClient } from './crowd.ts';
import { routesWithoutSample } from './from-bodies.ts';
import { growthBetween, INSPECTED, type Memory, memoryOf, shownMemory } from './memory.ts';
import { socketCases, trySocket } from './sockets.ts';
import { makeThings } from './things.ts';
import { markOf, tracesSince } from './traces.ts';

/*
 * `npm run test:bad-input`: a server in a process of its own is sent everything that is wrong, over HTTP and over raw
 * connections. Every answer is looked at, and what is left behind: events, files, memory. `--only` takes those requests
 * whose name has this text.
 */
const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const isWanted = ({ what }: { readonly what: string }): boolean => what.includes(values.only);

const REQUEST_TIMEOUT_MS = 2_000;
const MAX_CONNECTIONS = 200;
const MEMORY_EVERY = 2_000;

process.env.NODE_OPTIONS = INSPECTED;
const folder = mkdtempSync(join(tmpdir(), 'scoria-bad-input-'));
const home = createServerHome(folder, {
  server: { requestTimeoutSeconds: REQUEST_TIMEOUT_MS / 1_000, maxConnections: MAX_CONNECTIONS },
  quota: { volumes: -1, snapshots: -1, gigabytes: -1 },
});

let passed = 0;
const failures: Failure[] = [];
const count = (what: string, why: string | null): void => {
  if (why === null) passed += 1;
  else failures.push({ what, why });
};

const startedAt = performance.now();
const say = (text: string): void =>
  console.log(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s  ${text}`);

try {
  const server = await home.start();
  const sender = createSender(server.url);
  const memory = (): Promise<Memory> => memoryOf(server.pid, readFileSync(join(folder, 'server.log'), 'utf8'));
  const things = await makeThings(server.url);
  const requests = badRequests(things);
  for (const id of routesWithoutSample()) count(id, 'has no good body in samples.ts');

  const send = async (expect: keyof typeof requests, some: readonly BadRequest[]): Promise<void> => {
    const result = await runBatch(home.config, sender, expect, some);
    passed += result.sent - new Set(result.failures.map(({ what }) => what)).size;
    failures.push(...result.failures);
  };

  const malformed = requests.malformed.filter(isWanted);
  let before: Memory | null = null;
  for (let sent = 0; sent < malformed.length; sent += MEMORY_EVERY) {
    const chunk = malformed.slice(sent, sent + MEMORY_EVERY);
    await send('malformed', chunk);
    const now = await memory();
    say(`${sent + chunk.length} malformed requests: ${shownMemory(now)}`);
    if (before !== null) count(`memory after ${sent + chunk.length} requests`, growthBetween(before, now));
    before = now;
  }
  const refused = requests.refused.filter(isWanted);
  await send('refused', refused);
  say(`${refused.length} requests that a rule refuses`);

  const mark = await markOf(home.config);
  const cases = socketCases(REQUEST_TIMEOUT_MS).filter(isWanted);
  await Promise.all(cases.map(async (one) => count(one.what, await trySocket(server.url, one))));
  count('a crowd of silent clients', await crowdOfSilent(server.url, MAX_CONNECTIONS, REQUEST_TIMEOUT_MS));
  count('a client that never reads', await deafClient(server.url));
  const traces = await tracesSince(home.config, mark);
  const left = [...traces.refusals, ...traces.others].map(({ type, stream }) => `${type} in ${stream}`);
  count(
    'raw connections leave nothing',
    left.length + traces.files.length === 0 ? null : [...left, ...traces.files].join(),
  );
  const afterSockets = await memory();
  say(`${cases.length + 2} raw connections: ${shownMemory(afterSockets)}`);
  if (before !== null) count('memory after raw connections', growthBetween(before, afterSockets));

  const odd = requests.odd.filter(isWanted);
  await send('odd', odd);
  const log = createLogView();
  await untilAtRest(home.config, log, { orphans: true });
  const world = {
    log,
    config: home.config,
    url: server.url,
    acknowledged: [],
    kept: new Set<string>(),
    contents: null,
  };
  const broken = await whatIsBroken(world, { thorough: true });
  for (const { invariant, what } of broken) count(invariant, what);
  if (broken.length === 0) count('everything that holds at rest', null);
  say(`${odd.length} requests that may be allowed; ${log.events} events`);
  sender.close();
} finally {
  await home.stopAll();
}

for (const { what, why } of failures) console.log(`\n${what}\n    ${why}`);
console.log(`\n${passed} passed, ${failures.length} failed`);
if (failures.length > 0) {
  process.exitCode = 1;
  console.log(`the server's log and data are kept in ${folder}`);
} else rmSync(folder, { recursive: true, force: true });
