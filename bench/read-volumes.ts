/**
 * How fast one volume and the first page of 20 are read over 16 connections with 1,000 volumes, and the share of a bare
 * Fastify route that returns the same bytes. `processor_ratio` compares the processor time per request: what is left of
 * the ratio where the load generator, not the server, is the limit.
 * Usage: node bench/read-volumes.ts [--short]
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Figure, isShort, median, print, rounded } from './figures.ts';
import { HEADERS, type Measured, runLoad } from './load.ts';
import { processorMsOf, type ServerProcess, withDirectory, withServer } from './server-process.ts';

const CONNECTIONS = 16;
const VOLUMES = 1_000;
const ROUNDS = isShort ? 3 : 5;
const SECONDS = isShort ? 2 : 5;

interface Target {
  readonly url: string;
  processorMs(): number;
}

interface Round {
  readonly perSecond: number;
  readonly processorMs: number;
}

/** Headers that Node.js or Fastify write themselves. */
const NOT_COPIED = new Set(['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding']);

async function bareRouteFor(server: ServerProcess, paths: readonly string[]) {
  const answers: Record<string, object> = {};
  for (const path of paths) {
    const answer = await fetch(server.url + path, { headers: HEADERS });
    const headers = Object.fromEntries([...answer.headers].filter(([name]) => !NOT_COPIED.has(name)));
    answers[path.split('?')[0] ?? path] = { headers, body: await answer.text() };
  }
  const script = fileURLToPath(new URL('bare-route.ts', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(answers));
  const url = await new Promise<string>((resolve) => child.stdout.once('data', (text) => resolve(String(text).trim())));
  return { url, processorMs: () => processorMsOf(child.pid ?? 0), stop: () => child.kill() };
}

async function measure(target: Target, paths: readonly string[], rounds: Round[]): Promise<Measured> {
  const before = target.processorMs();
  const measured = await runLoad({ kind: 'get', url: target.url, paths, connections: CONNECTIONS, seconds: SECONDS });
  rounds.push({
    perSecond: measured.perSecond,
    processorMs: (target.processorMs() - before) / measured.requests,
  });
  return measured;
}

async function compare(what: string, server: ServerProcess, paths: readonly string[]): Promise<void> {
  const [path = ''] = paths;
  const bare = await bareRouteFor(server, [path]);
  const ours: Round[] = [];
  const bares: Round[] = [];
  const latencies: Measured[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // one after the other, so that both meet the same machine
    await measure(bare, [path], bares);
    latencies.push(await measure(server, paths, ours));
  }
  bare.stop();
  const ratios = ours.map(({ perSecond }, round) => perSecond / (bares[round]?.perSecond ?? Number.NaN));
  const processorRatios = ours.map(({ processorMs }, round) => (bares[round]?.processorMs ?? Number.NaN) / processorMs);
  const figure: Figure = {
    what,
    per_second: rounded(median(ours.map(({ perSecond }) => perSecond))),
    p50_ms: rounded(median(latencies.map(({ p50Ms }) => p50Ms))),
    p99_ms: rounded(median(latencies.map(({ p99Ms }) => p99Ms))),
    ratio: rounded(median(ratios)),
    yardstick: 'bare Fastify route, same bytes',
    processor_ratio: rounded(median(processorRatios)),
    processor_ms: rounded(median(ours.map(({ processorMs }) => processorMs))),
  };
  print({ what: `${what}: bare route`, per_second: rounded(median(bares.map(({ perSecond }) => perSecond))) });
  print(figure);
}

await withDirectory((directory) =>
  withServer(directory, async (server) => {
    const { ids } = await runLoad({ kind: 'create', url: server.url, count: VOLUMES, connections: 16, wait: false });
    const one = ids.map((id) => `/v3/demo/volumes/${id}`);
    await compare('GET one volume, 16 connections, 1,000 volumes', server, one);
    const page = '/v3/demo/volumes/detail?limit=20';
    await compare('GET detail list of 20, 16 connections, 1,000 volumes', server, [page]);
    // more pages than are remembered
    const pages = ids.map((id) => `${page}&marker=${id}`);
    await compare('GET detail list of 20, another page each time', server, pages);
  }),
);
