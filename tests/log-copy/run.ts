/**
 * The command line copies a log from an embedded store through the protocol server into another embedded store, killed with
 * -9 on the way each time, and out to a file and in again; everything is compared.
 * Usage: node tests/log-copy/run.ts [events]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqliteEventStore } from '../../src/adapters/sqlite/event-store.ts';
import { createEventStoreServer } from '../../src/eventstore-server/server.ts';
import { contentOf, fill } from './logs.ts';

const EVENTS = Number(process.argv[2] ?? 100_000);
const ROOT = mkdtempSync(join(tmpdir(), 'scoria-test-copy-'));
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** `killWhen`: it is looked at every few milliseconds, and ends the command with SIGKILL once it holds. */
async function scoria(args: readonly string[], killWhen?: () => Promise<boolean>): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, 'events', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let hasEnded = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (status) => {
      hasEnded = true;
      resolve(status);
    }),
  );
  while (killWhen !== undefined && !hasEnded) {
    if (await killWhen()) child.kill('SIGKILL');
    await sleep(10);
  }
  return { status: await ended, output };
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`);
}

/** Killed once when some of it is there, then run to its end. */
async function copyWithKill(from: string, to: string, present: () => Promise<bigint | null>): Promise<void> {
  const args = ['copy', '--json', '--from', from, '--to', to];
  // Some of it, where the rest is still to come.
  const killed = await scoria(args, async () => ((await present()) ?? 0n) > 0n);
  must(killed.status === null, 'the copy is killed before it ends');
  const startedAt = performance.now();
  const { status, output } = await scoria(args);
  must(status === 0, `the copy ends with 0, and not ${status}`);
  const report = JSON.parse(output) as Record<string, number | boolean>;
  must(report.equal === true && report.compared === EVENTS, 'the copy compared all events');
  must(Number(report.present) > 0 && Number(report.copied) > 0, 'the second run went on behind the first');
  console.log(`${output.trim().replaceAll(/\s+/g, ' ')} in ${Math.round((performance.now() - startedAt) / 1_000)} s`);
}

const directory = (name: string): string => {
  const path = join(ROOT, name);
  mkdirSync(path);
  return path;
};

async function digestOf(path: string): Promise<string> {
  const store = await openSqliteEventStore({ file: join(path, 'events.db'), readOnly: true });
  const digest = createHash('sha256');
  const lines = await contentOf(store);
  must(lines.length === EVENTS, `${path} has ${EVENTS} events`);
  for (const line of lines) digest.update(line);
  await store.close();
  return digest.digest('hex');
}

const headIn = (path: string) => async (): Promise<bigint | null> => {
  const file = join(path, 'events.db');
  if (!existsSync(file)) return null;
  // It may be in the middle of being made.
  const store = await openSqliteEventStore({ file, readOnly: true }).catch(() => null);
  const head = (await store?.head()) ?? null;
  await store?.close();
  return head;
};

try {
  const [source, served, copied, imported] = ['source', 'served', 'copied', 'imported'].map(directory) as [
    string,
    string,
    string,
    string,
  ];
  const filled = await openSqliteEventStore({ file: join(source, 'events.db') });
  await fill(filled, EVENTS);
  await filled.close();
  console.log(`${EVENTS} events in the source`);

  const between = await openSqliteEventStore({ file: join(served, 'events.db') });
  const server = createEventStoreServer({ eventStore: between, logger: { error: console.error } });
  const esdb = `esdb://127.0.0.1:${await server.listen('127.0.0.1', 0)}?tls=false`;
  await copyWithKill(`sqlite:${source}`, esdb, () => between.head());
  await copyWithKill(esdb, `sqlite:${copied}`, headIn(copied));
  const verified = await scoria(['copy', '--verify-only', '--json', '--from', `sqlite:${source}`, '--to', esdb]);
  must(verified.status === 0, 'source and server compare equal');
  await server.close();
  await between.close();

  const file = join(ROOT, 'log.jsonl');
  must((await scoria(['export', '--from', `sqlite:${source}`, '--file', file])).status === 0, 'the export ends with 0');
  must((await scoria(['import', '--file', file, '--to', `sqlite:${imported}`])).status === 0, 'the import ends with 0');

  const expected = await digestOf(source);
  for (const path of [copied, imported])
    must((await digestOf(path)) === expected, `${path} has the bytes of the source`);
  console.log(`passed: source, copy and import have the same content, SHA-256 ${expected}`);
} finally {
  rmSync(ROOT, { recursive: true, force: true });
}
