import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createLogView } from '../crash/log-view.ts';
import { untilAtRest, whatIsBroken } from '../crash/rest.ts';
import { createServerHome } from '../crash/server-process.ts';
import type { Mode } from './api-command.ts';
import { MODEL_CONFIG, runSequences } from './sequences.ts';

/*
 * `npm run test:model`: random sequences of requests against a server and against a model of it. Options: --seed, --runs
 * (sequences of each mode), --seconds (of each mode, whichever comes first), --mode settled|hasty.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    runs: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '35' },
    mode: { type: 'string', default: 'all' },
  },
});
const seed = Number(values.seed);
const MAX_COMMANDS = 60;
/** Notes of refusals are written off the answers' path. */
const NOTES_WITHIN_MS = 500;
const modes = (values.mode === 'all' ? ['settled', 'hasty'] : [values.mode]) as readonly Mode[];

const folder = mkdtempSync(join(tmpdir(), 'scoria-model-'));
const home = createServerHome(folder, MODEL_CONFIG);
console.log(`seed ${seed}`);
try {
  const server = await home.start();
  for (const mode of modes) {
    const { sequences, requests, failure } = await runSequences({
      url: server.url,
      mode,
      seed,
      runs: Number(values.runs),
      withinMs: Number(values.seconds) * 1_000,
      maxCommands: MAX_COMMANDS,
    });
    console.log(`${mode}: ${sequences} sequences of together ${requests} requests`);
    if (failure === null) continue;
    process.exitCode = 1;
    console.log(`\none does not agree with the model:\n\n${failure.story}\n`);
    console.log(`again: npm run test:model -- --mode ${mode} --seed ${failure.seed} --runs 10`);
    break;
  }
  if (process.exitCode === undefined) {
    const log = createLogView();
    await untilAtRest(home.config, log, { orphans: true });
    await sleep(NOTES_WITHIN_MS);
    const world = {
      log,
      config: home.config,
      url: server.url,
      acknowledged: [],
      kept: new Set<string>(),
      contents: null,
    };
    const broken = await whatIsBroken(world, { thorough: true });
    for (const { invariant, what } of broken) console.log(`${invariant}: ${what}`);
    if (broken.length > 0) process.exitCode = 1;
    else console.log(`everything that holds at rest holds after ${log.events} events`);
  }
} finally {
  await home.stopAll();
}
if (process.exitCode === undefined) rmSync(folder, { recursive: true, force: true });
else console.log(`the server's log and data are kept in ${folder}`);
