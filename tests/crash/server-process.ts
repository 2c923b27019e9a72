import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { type Config, parseConfig } from '../../src/config.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const READY_WITHIN_MS = 60_000;

/** A server in a process of its own, so that it can be killed like one. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** From its start until it listened, in ms. */
  readonly readyAfterMs: number;
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it stands still, and its connections stay open. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** When it last logged this, in ms of the wall clock; null where it never did. */
  loggedAt(text: string): number | null;
  /** SIGTERM; resolves with how it ended. */
  terminate(): Promise<{ readonly code: number | null; readonly signal: string | null; readonly afterMs: number }>;
}

/** Where servers of one data directory run, one after the other. */
export interface ServerHome {
  readonly folder: string;
  readonly config: Config;
  /** Starts a server and waits until it listens; throws with the end of its log when it does not. */
  start(): Promise<ServerProcess>;
  /** Starts a server and kills it after so many ms, wherever it is by then. */
  startAndKill(afterMs: number): Promise<void>;
  /** Kills whatever still runs, and what `stopWith` was told. */
  stopAll(): Promise<void>;
  /** Something else that ends when all is stopped: other servers, an engine. */
  stopWith(stop: () => Promise<void>): void;
}

/** `tree` is a configuration file's content; data directory and port are chosen here. `watched` are texts that loggedAt knows. */
export function createServerHome(
  folder: string,
  tree: { readonly server?: object; readonly [key: string]: unknown } = {},
  watched: readonly string[] = [],
): ServerHome {
  const configFile = join(folder, 'scoria.yaml');
  const logFile = join(folder, 'server.log');
  const whole = { ...tree, dataDir: join(folder, 'data'), server: { ...tree.server, port: 0 } };
  mkdirSync(folder, { recursive: true });
  writeFileSync(configFile, stringify(whole));
  const config = parseConfig(whole);

  const running = new Map<ChildProcess, Promise<void>>();
  const others: (() => Promise<void>)[] = [];

  const launch = () => {
    const child = spawn(process.execPath, ['src/main.ts', 'serve', '--config', configFile], {
      cwd: ROOT,
      // compiled code is kept between starts: what is tested is the server, not the type stripping
      env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'scoria-crash-compile-cache') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(logFile, { flags: 'a' });
    log.write(`--- started as process ${child.pid}\n`);
    const recent: string[] = [];
    const logged = new Map<string, number>();
    let url: string | null = null;
    const listening = new Promise<void>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface(stream).on('line', (line) => {
          log.write(`${line}\n`);
          recent.push(line);
          if (recent.length > 20) recent.shift();
          for (const text of watched) if (line.includes(text)) logged.set(text, Date.now());
          const found = /"url":"(http:[^"]+)"/.exec(line)?.[1];
          if (found === undefined) return;
          url = found;
          resolve();
        });
      }
    });
    const gone = new Promise<void>((resolve) => {
      child.once('close', () => {
        log.end();
        running.delete(child);
        resolve();
      });
    });
    running.set(child, gone);
    return { child, listening, gone, logged, recent: () => recent.join('\n'), url: () => url };
  };

  const kill = async (child: ChildProcess, gone: Promise<void>): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };

  return {
    folder,
    config,
    start: async () => {
      const startedAt = performance.now();
      const { child, listening, gone, logged, recent, url } = launch();
      const timer = setTimeout(() => child.kill('SIGKILL'), READY_WITHIN_MS);
      await Promise.race([listening, gone]);
      clearTimeout(timer);
      const at = url();
      if (at === null) throw new Error(`the server did not start:\n${recent()}`);
      return {
        url: at,
        pid: child.pid ?? 0,
        readyAfterMs: performance.now() - startedAt,
        kill: () => kill(child, gone),
        pause: () => void child.kill('SIGSTOP'),
        resume: () => void child.kill('SIGCONT'),
        loggedAt: (text) => logged.get(text) ?? null,
        terminate: async () => {
          const askedAt = performance.now();
          child.kill('SIGTERM');
          await gone;
          return { code: child.exitCode, signal: child.signalCode, afterMs: performance.now() - askedAt };
        },
      };
    },
    startAndKill: async (afterMs) => {
      const { child, gone } = launch();
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await kill(child, gone);
    },
    stopAll: async () => {
      await Promise.all([...running].map(([child, gone]) => kill(child, gone)));
      for (const stop of others.splice(0).reverse()) await stop();
    },
    stopWith: (stop) => void others.push(stop),
  };
}
