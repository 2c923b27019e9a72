import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The project's root. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** A virtual environment with the real clients of requirements.txt; made once, and again when that file changes. */
export async function clientsEnvironment(): Promise<string> {
  const requirements = join(import.meta.dirname, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  const folder = process.env.SCORIA_CLIENTS_VENV ?? join(ROOT, 'node_modules', '.cache', 'clients-venv');
  const stamp = join(folder, 'installed.txt');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return folder;
  rmSync(folder, { recursive: true, force: true });
  console.log(`installing ${wanted.trim().replaceAll('\n', ', ')}`);
  await run('python3', ['-m', 'venv', folder]);
  await run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  writeFileSync(stamp, wanted);
  return folder;
}

/** A server as a user starts it, with `npm start`, on a data directory of its own. */
export interface StartedServer {
  readonly url: string;
  readonly dataDir: string;
  /** Where EventStoreDB's protocol is served. */
  readonly eventStoreUri: string;
  stop(): Promise<void>;
}

export async function startServer(): Promise<StartedServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'scoria-clients-'));
  const port = await freePort();
  const eventStorePort = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn('npm', ['start'], {
    cwd: ROOT,
    env: {
      ...process.env,
      SCORIA_PORT: String(port),
      SCORIA_EVENTSTORE_PORT: String(eventStorePort),
      SCORIA_DATA_DIR: dataDir,
      SCORIA_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  try {
    await untilReady(url, server);
  } catch (error) {
    endGroup(server);
    throw error;
  }
  return {
    url,
    dataDir,
    eventStoreUri: `esdb://127.0.0.1:${eventStorePort}?tls=false`,
    stop: async () => {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      endGroup(server);
      await gone;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function endGroup(server: ChildProcess): void {
  if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGTERM');
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    if (server.exitCode !== null) throw new Error(`npm start ended with status ${server.exitCode}`);
    const ready = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the server was not ready within 30 s');
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one real client command; never throws for its exit status. */
export async function command(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Result> {
  try {
    const { stdout, stderr } = await run(file, [...args], {
      env: { ...process.env, ...env },
      maxBuffer: 16 << 20,
      timeout: 120_000,
    });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
    return { status: typeof code === 'number' ? code : 1, stdout, stderr };
  }
}

/** What the `openstack` client and openstacksdk read: one cloud for each project. */
export function writeClouds(folder: string, url: string, projects: readonly string[]): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'clouds.yaml');
  const clouds = projects.map((project) =>
    [
      `  ${project}:`,
      '    auth_type: admin_token',
      `    auth: {endpoint: "${url}/v3", token: "admin:${project}"}`,
      '    volume_api_version: "3"',
      '    block_storage_api_version: "3"',
    ].join('\n'),
  );
  writeFileSync(file, `clouds:\n${clouds.join('\n')}\n`);
  return file;
}
