import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startEmbeddedServer } from './embedded-server.ts';

/** About 70 calls of the official client, compared line by line with what a real EventStoreDB 24.6.0 answered to them. */

const ROOT = join(import.meta.dirname, '..', '..');
const RECORDED = join(ROOT, '..', 'shared', 'eventstoredb');
const there = existsSync(join(RECORDED, 'scenarios.cjs'));

const POSITION = /"(commit|prepare|commitPosition|metastreamRevision)":"(\w+)"/g;

/** An append of nothing leaves a record in the real log that nobody can read; here it leaves none, so has no position of its own. */
const OF_NOTHING = /^append \[\] \(empty\)/;

/**
 * Positions by their first appearance, leaving out those of appends of nothing. The text has gone through `normalise.mjs`
 * before: no times, ids and dates, positions named P1, P2, ...
 */
function comparable(text: string): string[] {
  const names = new Map<string, string>();
  const nameOf = (position: string): string => {
    const name = names.get(position) ?? `P${names.size + 1}`;
    names.set(position, name);
    return name;
  };
  return text
    .split('\n')
    .map((line) =>
      OF_NOTHING.test(line)
        ? line.replace(POSITION, '"$1":"of its own"')
        : line.replace(POSITION, (_, key: string, position: string) => `"${key}":"${nameOf(position)}"`),
    );
}

/** Lines that differ, by how they begin: each is listed, with its reason, in docs/eventstoredb-protocol.md. */
const DIFFERENT = new Map([
  [
    'readAll from invalid position {1n,1n}',
    // 1 is the position of the first event here; of the real log it is the middle of a record.
    /^readAll from invalid position \{1n,1n\} => \[\{"commit":"P\d+","prepare":"P\d+"\}\]$/,
  ],
]);

/**
 * What the script prints. It is ended after its last line: it then disposes of a client whose reads were left early, which
 * the client waits for without end (see its hazards in the README beside the script).
 */
function runScenarios(connectionString: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, CS: connectionString, NODE_PATH: join(ROOT, 'node_modules') };
    const script = spawn(process.execPath, [join(RECORDED, 'scenarios.cjs')], { env });
    const timer = setTimeout(() => script.kill(), 60_000);
    let said = '';
    script.stdout.on('data', (part: Buffer) => {
      said += part.toString();
      if (/^capabilities => .*\n/m.test(said)) script.kill();
    });
    script.stderr.on('data', (part: Buffer) => {
      said += part.toString();
    });
    script.on('error', reject);
    script.on('close', () => {
      clearTimeout(timer);
      resolve(said.replace(/\n$/, ''));
    });
  });
}

const normalised = (text: string): string =>
  execFileSync(process.execPath, [join(RECORDED, 'normalise.mjs')], { input: text, encoding: 'utf8' });

it.skipIf(!there)(
  `answers as the real server does${there ? '' : ' (skipped: ../shared/eventstoredb has the recorded answers and is not there)'}`,
  async () => {
    const server = await startEmbeddedServer();
    try {
      const said = await runScenarios(server.connectionString);
      const ours = comparable(normalised(said));
      const real = comparable(readFileSync(join(RECORDED, 'real-24.6.0.txt'), 'utf8').replace(/\n$/, ''));
      const isDifferent = (line: string): boolean => [...DIFFERENT.keys()].some((begin) => line.startsWith(begin));
      expect(ours.filter((line) => !isDifferent(line))).toEqual(real.filter((line) => !isDifferent(line)));
      for (const [begin, expected] of DIFFERENT) expect(ours.find((line) => line.startsWith(begin))).toMatch(expected);
      expect(real.length).toBeGreaterThan(70);
      expect(server.faults).toEqual([]);
    } finally {
      await server.stop();
    }
  },
  90_000,
);
