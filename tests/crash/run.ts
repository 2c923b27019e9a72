import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CREATES_CONFIG, concurrentCreates } from './concurrent-creates.ts';
import { fullDisk } from './full-disk.ts';
import type { Broken } from './invariants.ts';
import { manyProcesses } from './many-processes.ts';
import { MIXED_CONFIG, mixedLoad } from './mixed-load.ts';
import { whyNoMongo } from './mongo-server.ts';
import { whyNoMounts, whyNotImmutable } from './mounts.ts';
import { powerLoss } from './power-loss.ts';
import { readOnlyDirectory } from './read-only.ts';
import { printBroken } from './report.ts';
import { createServerHome, type ServerHome } from './server-process.ts';

/*
 * `npm run test:crash`: a server is killed at random moments, and after each restart everything that must hold is
 * looked at (invariants.ts). Options: --kills, --cuts, --rounds, --minutes (whichever comes first), --seed, --scenario.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    cuts: { type: 'string', default: '40' },
    rounds: { type: 'string', default: '12' },
    scenario: { type: 'string', default: 'all' },
  },
});
const seed = Number(values.seed);

const SCENARIOS: Readonly<
  Record<
    string,
    {
      readonly config: Parameters<typeof createServerHome>[1];
      readonly run: (home: ServerHome) => Promise<readonly Broken[]>;
      /** Why this machine cannot run it; null where it can. */
      readonly whyNot?: () => string | null;
      /** It has told what is broken, while its stores could be read. */
      readonly told?: boolean;
    }
  >
> = {
  creates: { config: CREATES_CONFIG, run: (home) => concurrentCreates(home, seed) },
  mixed: {
    config: MIXED_CONFIG,
    run: (home) => mixedLoad(home, { kills: Number(values.kills), seed, deadlineMs: Number(values.minutes) * 60_000 }),
  },
  'power-loss': {
    config: MIXED_CONFIG,
    run: (home) => powerLoss(home, { cuts: Number(values.cuts), seed, deadlineMs: Number(values.minutes) * 60_000 }),
  },
  'many-processes': {
    config: MIXED_CONFIG,
    run: (home) =>
      manyProcesses(home, { rounds: Number(values.rounds), seed, deadlineMs: Number(values.minutes) * 60_000 }),
    whyNot: whyNoMongo,
    told: true,
  },
  'full-disk': { config: MIXED_CONFIG, run: (home) => fullDisk(home, seed), whyNot: whyNoMounts },
  'read-only': { config: MIXED_CONFIG, run: (home) => readOnlyDirectory(home, seed), whyNot: whyNotImmutable },
};

const wanted = values.scenario === 'all' ? Object.keys(SCENARIOS) : [values.scenario];
for (const name of wanted) {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}: there are ${Object.keys(SCENARIOS).join(', ')}`);
  const reason = scenario.whyNot?.() ?? null;
  if (reason !== null) {
    // the second line is what CI counts: neither passed nor failed
    console.log(`${name}: skipped: ${reason}\n0 passed, 0 failed`);
    continue;
  }
  const folder = mkdtempSync(join(tmpdir(), `scoria-crash-${name}-`));
  const home = createServerHome(folder, scenario.config);
  console.log(`${name}: seed ${seed}`);
  const ended = (): void => void home.stopAll().then(() => process.exit(1));
  process.once('SIGTERM', ended).once('SIGINT', ended);
  let broken: readonly Broken[] | null = null;
  try {
    broken = await scenario.run(home);
    if (broken.length > 0 && scenario.told !== true)
      await printBroken(home.config, broken, join(folder, 'violations.txt'));
  } catch (error) {
    console.error(error);
  } finally {
    await home.stopAll();
    process.off('SIGTERM', ended).off('SIGINT', ended);
  }
  if (broken?.length === 0) {
    rmSync(folder, { recursive: true, force: true });
    continue;
  }
  console.log(`\n${name} failed with seed ${seed}; log, configuration and data are kept in ${folder}`);
  process.exitCode = 1;
}
