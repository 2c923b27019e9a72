import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../src/config.ts';
import { idsOf } from '../../src/domain/kernel/id-map.ts';
import { besideServer } from './beside-server.ts';
import { orphansOf } from './holdings.ts';
import { type Broken, checkInvariants, type World } from './invariants.ts';
import type { LogView } from './log-view.ts';

const LOOK_EVERY_MS = 25;
const REST_WITHIN_MS = 30_000;
/** How long what follows the log may be behind one that does not grow. */
const BEHIND_MS = 3_000;

/** What only says that something that follows the log is not there yet. */
const LATE = new Set([
  'read models are the fold of the log',
  'the audit log has every event',
  'the API answers what the log says',
  'no unfinished work is noted',
]);

export const openOrphans = (log: LogView): number =>
  [...log.quotas.values()].reduce((sum, ledger) => sum + orphansOf(ledger, log.hasLanded).length, 0);

/** Charges that a late sending of a request made once more when its operation had ended. */
export const chargedAgain = (log: LogView): number =>
  [...log.quotas.values()]
    .flatMap(({ open }) => idsOf(open))
    .filter((operationId) => log.hasLanded(operationId) && !log.open.has(operationId)).length;

/** Waits until no operation is open (with `orphans`: and no orphaned charge is left). Resolves after how many ms; gives up at 30 s. */
export async function untilAtRest(
  config: Config,
  log: LogView,
  { orphans }: { readonly orphans: boolean },
): Promise<number> {
  const startedAt = performance.now();
  await besideServer(config, async ({ eventStore }) => {
    while (performance.now() - startedAt < REST_WITHIN_MS) {
      await log.read(eventStore);
      if (log.open.size === 0 && chargedAgain(log) === 0 && (!orphans || openOrphans(log) === 0)) return;
      await sleep(LOOK_EVERY_MS);
    }
  });
  return performance.now() - startedAt;
}

/** What does not hold; read models get a moment to come up with the log, and the log to grow no more. `but` names an invariant that cannot hold here. */
export async function whatIsBroken(
  world: Omit<World, 'readStore'>,
  options: { readonly thorough: boolean; readonly but?: string | null },
): Promise<readonly Broken[]> {
  const deadline = performance.now() + BEHIND_MS;
  return besideServer(world.config, async ({ eventStore, readStore }) => {
    for (;;) {
      await world.log.read(eventStore);
      const all = await checkInvariants({ ...world, readStore }, options);
      const broken = all.filter(({ invariant }) => invariant !== options.but);
      // facts of refusals come after the answers: what was compared may not have been the same log
      const grew = (await eventStore.head()) !== world.log.head;
      const late = grew || broken.every(({ invariant }) => LATE.has(invariant));
      if (broken.length === 0 || !late || performance.now() > deadline) return broken;
      await sleep(100);
    }
  });
}
