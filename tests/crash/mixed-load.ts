import { setTimeout as sleep } from 'node:timers/promises';
import { createAcknowledged } from './acknowledged.ts';
import { mustAsk } from './client.ts';
import type { Broken } from './invariants.ts';
import { createLoad, PROJECTS } from './load.ts';
import { createLogView } from './log-view.ts';
import { createRandom, type Random } from './random.ts';
import { openOrphans, untilAtRest, whatIsBroken } from './rest.ts';
import type { ServerHome, ServerProcess } from './server-process.ts';

export interface MixedOptions {
  readonly kills: number;
  readonly seed: number;
  readonly deadlineMs: number;
}

/** Two backends, one of them with a pool so small that claims are refused; no limit but those a project gets. */
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

/** Load, kill, restart, rest, check: until so many kills, the deadline or the first violation. Returns what is broken. */
export async function mixedLoad(home: ServerHome, options: MixedOptions): Promise<readonly Broken[]> {
  const { kills, seed, deadlineMs } = options;
  const random = createRandom(seed);
  const acknowledged = createAcknowledged();
  const log = createLogView();
  const load = createLoad(random, acknowledged);
  const { config } = home;
  const startedAt = performance.now();
  const rests: number[] = [];
  let server = await home.start();
  await mustAsk(server.url, 'PUT', `/os-quota-sets/${PROJECTS[1]}`, { body: { quota_set: BETA_LIMITS } });

  /** Kills once more before everything is at rest; with operations to go on with this is where double work would show. */
  const killAgain = async (death: Death): Promise<void> => {
    if (death === 'while starting') await home.startAndKill(random.between(50, 1_000));
    if (death === 'while going on') {
      const short = await home.start();
      await sleep(random.between(0, 300));
      await short.kill();
    }
  };

  let killed = 0;
  let broken: readonly Broken[] = [];
  while (killed < kills && performance.now() - startedAt < deadlineMs && broken.length === 0) {
    const before = { ...acknowledged.figures };
    const ranMs = await runAndKill(server);
    const death = deathOf(random);
    killed += death === 'under load' ? 1 : 2;
    await killAgain(death);
    server = await home.start();
    const openedWith = { operations: 0, orphans: 0 };
    await load.repeatUnanswered(server.url);
    const thorough = killed % THOROUGH_EVERY < 2;
    const restMs = await untilAtRest(config, log, { orphans: thorough });
    rests.push(restMs);
    openedWith.orphans = openOrphans(log);
    const world = { log, config, url: server.url, kept: acknowledged.kept };
    broken = await whatIsBroken({ ...world, acknowledged: acknowledged.takeAcknowledged() }, { thorough });
    const { figures } = acknowledged;
    console.log(
      `kill ${killed} after ${ranMs.toFixed(0)} ms${death === 'under load' ? '' : `, again ${death}`}: ` +
        `${figures.sent - before.sent} sent, ${figures.acknowledged - before.acknowledged} acknowledged, ` +
        `${figures.refused - before.refused} refused, ${figures.unanswered - before.unanswered} unanswered; ` +
        `ready ${server.readyAfterMs.toFixed(0)} ms, rest ${restMs.toFixed(0)} ms; ${log.events} events, ` +
        `${acknowledged.kept.size} volumes kept, ${openedWith.orphans} orphans${thorough ? ', log verified' : ''}`,
    );
  }
  if (broken.length > 0) return broken;
  await untilAtRest(config, log, { orphans: true });
  broken = await whatIsBroken(
    { log, config, url: server.url, kept: acknowledged.kept, acknowledged: [] },
    { thorough: true },
  );
  const { code, afterMs } = await server.terminate();
  const { sent, unavailable, unanswered, refused } = acknowledged.figures;
  const sorted = rests.toSorted((one, other) => one - other);
  console.log(
    `${killed} kills in ${((performance.now() - startedAt) / 60_000).toFixed(1)} min, seed ${seed}: ${sent} requests, ` +
      `${acknowledged.figures.acknowledged} acknowledged, ${refused} refused, ${unavailable} unavailable, ${unanswered} unanswered; ` +
      `${log.events} events, ${log.operations.size} operations; at rest after ${at(sorted, 0.5)} ms (median), ` +
      `${at(sorted, 1)} ms (longest); stopped with ${code} after ${afterMs.toFixed(0)} ms; ${broken.length} violations`,
  );
  console.log(`acknowledged: ${[...acknowledged.figures.by].map(([what, count]) => `${what} ${count}`).join(', ')}`);
  return broken;

  async function runAndKill(running: ServerProcess): Promise<number> {
    const ranMs = random.between(80, 1_500);
    const ended = new AbortController();
    const running_ = load.run(running.url, CLIENTS, ended.signal);
    await Promise.race([sleep(ranMs), running_]);
    ended.abort();
    await running.kill();
    await running_;
    return ranMs;
  }
}

const at = (sorted: readonly number[], quantile: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0).toFixed(0);
