import { parseArgs } from 'node:util';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});

if (values.seed !== undefined) {
  const report = await simulate(Number(values.seed), { history: true });
  for (const line of report.history.lines) console.log(line);
  for (const { what, streams } of report.violations) console.log(`VIOLATION ${what} ${streams.join(' ')}`);
  console.log(JSON.stringify(report.figures));
  process.exit(report.violations.length === 0 ? 0 : 1);
}
const from = Number(values.first);
const started = performance.now();
let failed = 0;
for (let seed = from; seed < from + Number(values.seeds); seed += 1) {
  const { violations, figures } = await simulate(seed);
  if (violations.length === 0) continue;
  failed += 1;
  console.log(`seed ${seed}: ${violations[0]?.what} (${violations.length} in all, ${JSON.stringify(figures)})`);
}
console.log(`${values.seeds} seeds, ${failed} failed, ${Math.round(performance.now() - started)} ms`);
