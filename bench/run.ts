import { execFileSync, spawn } from 'node:child_process';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Figure } from './figures.ts';
import { type Form, keep, lastKept, type Machine, ratiosAgainst } from './kept.ts';

/*
 * `npm run bench [-- --short | --scale] [-- --only <name>] [-- --save]`: one question after the other, each a file and a
 * process of its own; a JSON line for each figure. `--save` keeps them in bench/results, which
 * `npm run bench:compare [-- --short | --scale] [-- --only <name>]` takes the next run of the same form against.
 */
const QUESTIONS = [
  // before any that remove thousands of files: for minutes ext4 looks long for an inode where many have just gone
  'write-volumes',
  'event-store-append',
  'protocol-server',
  'file-driver',
  'read-volumes',
  'slow-disk',
  'memory',
  'restart',
  'rebuild',
  'engines',
  'growth',
];
/** What takes longest and says most about large logs is left to the long run. */
const NOT_SHORT = new Set(['growth']);
/** Where its files go, and how many volumes; how many events. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  'file-driver': [tmpdir(), process.argv.includes('--short') ? '200' : '1000'],
  rebuild: [process.argv.includes('--scale') ? '1000000' : '50000', '2000', ''],
};

const args = process.argv.slice(2);
const has = (flag: string): boolean => args.includes(flag);
const only = args[args.indexOf('--only') + 1];
const chosen = has('--only')
  ? QUESTIONS.filter((question) => question === only)
  : QUESTIONS.filter((question) => !(has('--short') && NOT_SHORT.has(question)));
if (chosen.length === 0) throw new Error(`there is no question ${only}: ${QUESTIONS.join(', ')}`);

const form: Form = has('--short') ? 'short' : has('--scale') ? 'scale' : 'long';
const before = has('--compare') ? lastKept(form) : null;
if (has('--compare') && before === null) throw new Error(`no result of the ${form} form was kept: --save keeps one`);
if (has('--save') && has('--only')) throw new Error('only what answers every question is kept: --save without --only');

const machine: Machine = {
  date: new Date().toISOString(),
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  processor: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  node: process.version,
};
console.log(JSON.stringify(machine));

const figures: Figure[] = [];
let failed = 0;
for (const question of chosen) {
  const status = await ask(question);
  if (status === 0) continue;
  failed += 1;
  console.log(`FAILED  ${question} ended with status ${status}`);
}
if (before !== null) for (const line of ratiosAgainst(before, figures)) console.log(line);
if (has('--save') && failed === 0) keep(form, { machine, figures });
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function ask(question: string): Promise<number | null> {
  const flags = [...(ARGUMENTS[question] ?? []), ...args.filter((arg) => arg === '--short' || arg === '--scale')];
  const child = spawn(process.execPath, ['--expose-gc', join(import.meta.dirname, `${question}.ts`), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line);
    if (line.startsWith('{')) figures.push(JSON.parse(line) as Figure);
  }
  return child.exitCode ?? new Promise((resolve) => child.once('exit', resolve));
}
