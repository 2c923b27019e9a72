import { setTimeout as sleep } from 'node:timers/promises';
import { createAcknowledged, type Figures } from './acknowledged.ts';
import { mustAsk } from './client.ts';
import { createContents } from './contents.ts';
import type { Broken } from './invariants.ts';
import { createLoad, PROJECTS, TYPE_OF_SMALL_POOL } from './load.ts';
import { createLogView, type LogView } from './log-view.ts';
import { createRandom, type Random } from './random.ts';
import { openOrphans, untilAtRest, whatIsBroken } from './rest.ts';
import type { ServerHome, ServerProcess } from './server-process.ts';

export interface MixedOptions {
  readonly kills: number;
  readonly seed: number;
  readonly deadlineMs: number;
}

/** Two backends, one with a pool so small that claims are refused; volumes of one type go there. */
export const MIXED_CONFIG = {
  storage: {
    backends: [
      { name: 'a', pools: [{ name: 'thin' }] },
      { name: 'b', pools: [{ name: 'small', capacityGiB: 25, maxOverSubscriptionRatio: 1 }] },
    ],
    reportEverySeconds: 1,
  },
  quota: { volumes: -1, snapshots: -1, gigabytes: -1 },
};

/** Small enough that requests of the second project are refused now and then. */
const BETA_LIMITS = { volumes: 40, snapshots: 25, gigabytes: 110 };

const CLIENTS = 12;
/** The whole log is verified, and orphaned charges are waited for, once in so many kills. */
const THOROUGH_EVERY = 10;

/** How the server dies: under load, or while it takes up what an earlier death left. */
type Death = 'under load' | 'while starting' | 'while going on';

const deathOf = (random: Random): Death =>
  random.weighted<Death>([
    [7, 'under load'],
    [1, 'while starting'],
    [2, 'while going on'],
  ]);

/** Limits and volume types that the load counts on. */
export async function prepareProjects(url: string): Promise<void> {
  await mustAsk(url, 'PUT', `/os-quota-sets/${PROJECTS[1]}`, { body: { quota_set: BETA_LIMITS } });
  const onSmallPool = { name: TYPE_OF_SMALL_POOL, extra_specs: { volume_backend_name: 'b' } };
  await mustAsk(url, 'POST', '/types', { body: { volume_type: onSmallPool } });
}

/** Load, kill, restart, rest, check: until so many kills, the deadline or the first violation. Returns what is broken. */
export async function mixedLoad(home: ServerHome, options: MixedOptions): Promise<readonly Broken[]> {
  const random = createRandom(options.seed);
  const acknowledged = createAcknowledged();
  const log = createLogView();
  const contents = createContents();
  const load = createLoad(random, acknowledged);
  const { config } = home;
  const startedAt = performance.now();
  const rests: number[] = [];

  const runAndKill = async (server: ServerProcess): Promise<number> => {
    const ranMs = random.between(80, 1_500);
    const ended = new AbortController();
    const clients = load.run(server.url, CLIENTS, ended.signal);
    await Promise.race([sleep(ranMs), clients]);
    ended.abort();
    await server.kill();
    await clients;
    return ranMs;
  };

  /** Kills once more before everything is at rest: with operations to go on with, this is where double work would show. */
  const killAgain = async (death: Death, startTakesMs: number): Promise<void> => {
    if (death === 'while starting') await home.startAndKill(random.between(50, startTakesMs));
    if (death === 'while going on') {
      const server = await home.start();
      await sleep(random.between(0, 300));
      await server.kill();
    }
  };

  /** Waits for rest and looks at everything; with nothing wrong, clients write to the volumes that are new. */
  const check = async ({ url }: ServerProcess, thorough: boolean): Promise<readonly Broken[]> => {
    rests.push(await untilAtRest(config, log, { orphans: thorough }));
    const told = acknowledged.takeAcknowledged();
    const world = { log, config, url, contents, kept: acknowledged.kept, acknowledged: told };
    const broken = await whatIsBroken(world, { thorough });
    if (broken.length === 0) contents.write(log, config);
    return broken;
  };

  let server = await home.start();
  await prepareProjects(server.url);
  for (let killed = 0; ; ) {
    const before = { ...acknowledged.figures };
    const ranMs = await runAndKill(server);
    const death = deathOf(random);
    killed += death === 'under load' ? 1 : 2;
    await killAgain(death, Math.ceil(server.readyAfterMs));
    server = await home.start();
    await load.repeatUnanswered(server.url);
    const ends = killed >= options.kills || performance.now() - startedAt > options.deadlineMs;
    const thorough = ends || killed % THOROUGH_EVERY < 2;
    const broken = await check(server, thorough);
    const dead = death === 'under load' ? '' : `, again ${death}`;
    console.log(
      `kill ${killed} after ${ranMs} ms${dead}: ${figuresSince(acknowledged.figures, before)}; ` +
        `ready ${server.readyAfterMs.toFixed(0)} ms, rest ${rests.at(-1)?.toFixed(0)} ms; ${log.events} events, ` +
        `${acknowledged.kept.size} volumes kept, ${openOrphans(log)} orphans${thorough ? ', log verified' : ''}`,
    );
    if (broken.length === 0 && !ends) continue;
    const { code, afterMs } = broken.length > 0 ? { code: 'running', afterMs: 0 } : await server.terminate();
    const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
    const sorted = rests.toSorted((one, other) => one - other);
    console.log(
      `${killed} kills in ${minutes} min, seed ${options.seed}: ${figuresSince(acknowledged.figures)}; ${log.events} events, ` +
        `${log.operations.size} operations; at rest after ${at(sorted, 0.5)} ms (median), ${at(sorted, 1)} ms (longest); ` +
        `stopped with ${code} after ${afterMs.toFixed(0)} ms; ${broken.length} violations`,
    );
    console.log(`acknowledged: ${counted([...acknowledged.figures.by])}`);
    console.log(`operations that failed: ${counted([...failuresOf(log)])}`);
    return broken;
  }
}

const counted = (counts: readonly (readonly [what: string, count: number])[]): string =>
  counts
    .map(([what, count]) => `${what} ${count}`)
    .sort()
    .join(', ');

/** Operations that failed, by the code of their reason. */
function failuresOf(log: LogView): ReadonlyMap<string, number> {
  const failures = new Map<string, number>();
  for (const { phase, reason } of log.operations.values()) {
    if (phase !== 'failed') continue;
    const code = reason?.code ?? 'Unknown';
    failures.set(code, (failures.get(code) ?? 0) + 1);
  }
  return failures;
}

const NOTHING = { sent: 0, acknowledged: 0, refused: 0, unavailable: 0, unanswered: 0 };

/** What clients have been told since. */
export const figuresSince = (now: Omit<Figures, 'by'>, before: Omit<Figures, 'by'> = NOTHING): string =>
  `${now.sent - before.sent} sent, ${now.acknowledged - before.acknowledged} acknowledged, ` +
  `${now.refused - before.refused} refused, ${now.unavailable - before.unavailable} unavailable, ` +
  `${now.unanswered - before.unanswered} unanswered`;

const at = (sorted: readonly number[], quantile: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0).toFixed(0);
