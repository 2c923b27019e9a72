import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';

/** A server as `npm start` runs it, in a process of its own. */
export interface ServerProcess {
  readonly url: string;
  /** From the start of node until `/readyz` answered 200. */
  readonly readyMs: number;
  /** Memory in RAM now, in MiB. */
  residentMiB(): number;
  /** Processor time so far, all threads, in ms. */
  processorMs(): number;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** A directory for stores and backend files that is removed at the end. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'scoria-bench-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs `work` against a server on this directory and stops it. */
export async function withServer<T>(
  directory: string,
  work: (server: ServerProcess) => Promise<T>,
  started: Started = {},
): Promise<T> {
  const server = await startServerProcess(directory, started);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** What `npm start` gives to node, so that the figures are those of what people run. */
export function startArguments(): readonly string[] {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
  const [node, ...args] = scripts.start.split(' ');
  if (node !== 'node') throw new Error(`the start script does not begin with node: ${scripts.start}`);
  return args;
}

/** Room for as many volumes as a benchmark wants, whatever the disk has: files are sparse. */
const CONFIG = {
  storage: { backends: [{ name: 'file', pools: [{ name: 'pool', maxOverSubscriptionRatio: 1_000_000 }] }] },
  quota: { volumes: -1, snapshots: -1, gigabytes: -1 },
};

const READY_WITHIN_MS = 600_000;
const POLL_MS = 5;

/** How a server is to be started, where it is not as `npm start` does with the stores in its directory. */
export interface Started {
  /** In place of the arguments that `npm start` gives to node. */
  readonly script?: readonly string[];
  /** Configuration, beside that of all benchmarks. */
  readonly config?: object;
}

export async function startServerProcess(directory: string, started: Started = {}): Promise<ServerProcess> {
  mkdirSync(directory, { recursive: true });
  const config = join(directory, 'scoria.yaml');
  writeFileSync(config, stringify({ ...CONFIG, ...started.config }));
  const log = join(directory, 'server.log');
  writeFileSync(log, '');
  const output = openSync(log, 'a');
  const env = { ...process.env, SCORIA_DATA_DIR: join(directory, 'data'), SCORIA_PORT: '0', SCORIA_CONFIG: config };
  const startedAt = performance.now();
  const child = spawn(process.execPath, started.script ?? startArguments(), { env, stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await listening(child, log);
  await ready(child, url, log);
  const readyMs = performance.now() - startedAt;
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return {
    url,
    readyMs,
    residentMiB: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    processorMs: () => processorMsOf(child.pid ?? 0),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

async function listening(child: ChildProcess, log: string): Promise<string> {
  for (;;) {
    const url = /"url":"([^"]+)"/.exec(readFileSync(log, 'utf8'))?.[1];
    if (url !== undefined) return url;
    if (child.exitCode !== null) throw new Error(`the server ended: ${readFileSync(log, 'utf8')}`);
    await sleep(POLL_MS);
  }
}

async function ready(child: ChildProcess, url: string, log: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server ended: ${readFileSync(log, 'utf8')}`);
    const { status } = await fetch(`${url}/readyz`);
    if (status === 200) return;
    await sleep(POLL_MS);
  }
  throw new Error('the server was not ready in time');
}

/** Kernel ticks are a hundredth of a second on every Linux that Node.js runs on. */
const MS_PER_TICK = 10;

export function processorMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the second field, a name in brackets, may hold spaces
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
