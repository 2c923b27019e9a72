import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Figure } from './figures.ts';

/*
 * `npm run bench [-- --short | --scale] [-- --only <name>] [-- --save]`: one question after the other, each a file and a
 * process of its own; a JSON line for each figure. `--save` keeps them as bench/results.json, which
 * `npm run bench:compare` takes the next run against.
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
const RESULTS = join(import.meta.dirname, 'results.json');

const args = process.argv.slice(2);
const has = (flag: string): boolean => args.includes(flag);
const only = args[args.indexOf('--only') + 1];
const chosen = has('--only')
  ? QUESTIONS.filter((question) => question === only)
  : QUESTIONS.filter((question) => !(has('--short') && NOT_SHORT.has(question)));
if (chosen.length === 0) throw new Error(`there is no question ${only}: ${QUESTIONS.join(', ')}`);

const machine = {
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
if (has('--compare')) compare();
if (has('--save')) writeFileSync(RESULTS, `${JSON.stringify({ machine, figures }, null, 1)}\n`);
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

/** Ratios against the last result that was kept: above 1 is more per second, or more time, than then. */
function compare(): void {
  if (!existsSync(RESULTS)) throw new Error('no result was kept yet: npm run bench -- --save');
  const before = JSON.parse(readFileSync(RESULTS, 'utf8')) as { machine: typeof machine; figures: readonly Figure[] };
  console.log(`against ${before.machine.commit} of ${before.machine.date}`);
  for (const figure of figures) {
    const then = before.figures.find(({ what }) => what === figure.what);
    if (then === undefined) continue;
    const ratios = (['per_second', 'p50_ms', 'p99_ms', 'ratio', 'mib', 'seconds'] as const).flatMap((key) => {
      const [now, was] = [figure[key], then[key]];
      return now === undefined || was === undefined || was === 0 ? [] : [`${key} x${(now / was).toFixed(2)}`];
    });
    console.log(`${figure.what}: ${ratios.join(', ')}`);
  }
}
