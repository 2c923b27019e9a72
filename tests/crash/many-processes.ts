import { setTimeout as sleep } from 'node:timers/promises';
import { createAcknowledged } from './acknowledged.ts';
import { besideServer } from './beside-server.ts';
import { createContents } from './contents.ts';
import { FLEET_ROLES, type Fleet, type FleetRole, type Member, startFleet } from './fleet.ts';
import type { Broken } from './invariants.ts';
import { createLoad } from './load.ts';
import { createLogView } from './log-view.ts';
import { figuresSince, MIXED_CONFIG, prepareProjects } from './mixed-load.ts';
import { createRandom } from './random.ts';
import { watchRecovery } from './recovery.ts';
import { printBroken } from './report.ts';
import { untilAtRest, whatIsBroken } from './rest.ts';
import type { ServerHome } from './server-process.ts';

export interface ManyProcessesOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly deadlineMs: number;
}

const CLIENTS = 3;
const BEFORE_FAULT_MS = 5_000;
/** Longer than any lease lasts: whoever is paused so long has lost all that it held. */
const PAUSED_MS = 18_000;
/** A process that is killed stays away at least so long, so that the others must go on without it. */
const AWAY_MS = 5_000;
/** A lease's term, and what the work that waited takes on a busy machine. */
const USUAL_WITHIN_MS = 120_000;
const AFTER_FAULT_MS = 3_000;

type Fault = 'SIGKILL' | 'SIGSTOP' | 'SIGTERM';
const FAULTS: readonly Fault[] = ['SIGKILL', 'SIGSTOP', 'SIGTERM'];

/** Every role meets every fault in twelve rounds; in any four, every role is hit once and every fault is met. */
const faultOf = (round: number): readonly [FleetRole, Fault] => {
  const role = round % FLEET_ROLES.length;
  const fault = (role + Math.floor(round / FLEET_ROLES.length)) % FAULTS.length;
  return [FLEET_ROLES[role] ?? 'storage', FAULTS[fault] ?? 'SIGKILL'];
};

/**
 * Two processes of every role over the engines, under load. Each round one of them is killed, stopped in order, or stands
 * still for longer than its leases last and goes on: the others go on without it, and all that must hold does, after
 * every round. Returns what is broken.
 */
export async function manyProcesses(home: ServerHome, options: ManyProcessesOptions): Promise<readonly Broken[]> {
  const fleet = await startFleet(home, MIXED_CONFIG, `scoria-crash-${options.seed}-${Date.now()}`);
  return rounds(fleet, home.folder, options);
}

async function rounds(fleet: Fleet, folder: string, options: ManyProcessesOptions): Promise<readonly Broken[]> {
  const { config, logFile } = fleet;
  const random = createRandom(options.seed);
  const acknowledged = createAcknowledged();
  const log = createLogView();
  const contents = createContents();
  const load = createLoad(random, acknowledged, fleet.sender);
  const startedAt = performance.now();
  console.log(`two processes of every role over ${fleet.engines}`);
  await untilReady(fleet);
  await prepareProjects(fleet.url);

  for (let round = 0; ; round += 1) {
    const [role, fault] = faultOf(round);
    const member = fleet.holderOf(role);
    const before = { ...acknowledged.figures };
    const stopLoad = new AbortController();
    const clients = load.run(fleet.url, CLIENTS, stopLoad.signal);
    const told = await Promise.race([
      hit(fleet, member, fault),
      clients.then(() => 'the load ended by itself'),
    ]).finally(() => stopLoad.abort());
    await clients;
    await load.repeatUnanswered(fleet.url);
    const restMs = await untilAtRest(config, log, { orphans: true });
    const ends = round + 1 >= options.rounds || performance.now() - startedAt > options.deadlineMs;
    const world = {
      log,
      config,
      logFile,
      url: fleet.url,
      contents,
      kept: acknowledged.kept,
      acknowledged: acknowledged.takeAcknowledged(),
    };
    const broken = [...(await whatIsBroken(world, { thorough: ends }))];
    if (typeof told !== 'string') broken.push(...told.broken);
    console.log(
      `round ${round + 1}: ${fault} of ${member.name}: ${typeof told === 'string' ? told : told.text}; ` +
        `${figuresSince(acknowledged.figures, before)}; rest ${restMs.toFixed(0)} ms; ${log.events} events, ` +
        `${acknowledged.kept.size} volumes kept; ${broken.length} violations${ends ? ', log verified' : ''}`,
    );
    if (broken.length > 0) {
      // here, while the engines are still there to be read
      await printBroken(config, broken, `${folder}/violations.txt`);
      return broken;
    }
    contents.write(log, config);
    if (!ends) continue;
    const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
    console.log(
      `${round + 1} rounds in ${minutes} min, seed ${options.seed}: ${figuresSince(acknowledged.figures)}; ` +
        `${log.events} events, ${log.operations.size} operations; 0 violations`,
    );
    return [];
  }
}

/** One fault from beginning to end, under load; tells how the others went on, and what did not. */
async function hit(
  fleet: Fleet,
  member: Member,
  fault: Fault,
): Promise<{ readonly text: string; readonly broken: readonly Broken[] }> {
  return besideServer(fleet.config, async (stores) => {
    const events: number = await stores.readStore.count('auditLog');
    const after = (await stores.eventStore.head()) ?? 0n;
    const watch = watchRecovery(stores, { after, events });
    await sleep(BEFORE_FAULT_MS);
    await watch.begin();
    const faultAt = Date.now();
    const restart = await inflict(member, fault);
    const leastMs = fault === 'SIGSTOP' ? PAUSED_MS : AWAY_MS;
    let usual = false;
    while (Date.now() - faultAt < leastMs || (!usual && Date.now() - faultAt < USUAL_WITHIN_MS)) {
      await sleep(250);
      usual = await watch.look();
    }
    const { creations, creationsUsualAfterMs, slowestMs, usualMs, readModelsUsualAfterMs } = watch.so;
    const overdue = watch.overdue();
    if (restart === null) await fleet.start(member);
    else restart();
    await sleep(AFTER_FAULT_MS);
    const text =
      `${creations} creations without it, as usual after ${creationsUsualAfterMs} ms (slowest ${slowestMs} ms, usual up to ${usualMs}), ` +
      `read models after ${readModelsUsualAfterMs} ms`;
    if (usual) return { text, broken: [] };
    const what = `${USUAL_WITHIN_MS / 1000} s after ${fault} of ${member.name}: ${overdue} creations wait, ${creations} have ended`;
    return { text, broken: [{ invariant: 'the others go on', what, streams: [] }] };
  });
}

/** Resolves to what lets a paused process go on; null where it is gone and must be started again. */
async function inflict(member: Member, fault: Fault): Promise<(() => void) | null> {
  const { process } = member;
  if (process === null) throw new Error(`${member.name} does not run`);
  if (fault === 'SIGSTOP') {
    process.pause();
    return () => process.resume();
  }
  member.running = false;
  if (fault === 'SIGKILL') await process.kill();
  else void process.terminate();
  return null;
}

/** Until both APIs say that they can serve clients. */
async function untilReady({ members }: Fleet): Promise<void> {
  const deadline = performance.now() + USUAL_WITHIN_MS;
  for (const { name, role, process } of members) {
    if (role !== 'api') continue;
    for (;;) {
      const answer = await fetch(`${process?.url}/readyz`).catch(() => null);
      const text = await answer?.text();
      if (answer?.status === 200) break;
      if (performance.now() > deadline) throw new Error(`${name} is not ready: ${text}`);
      await sleep(200);
    }
  }
}
