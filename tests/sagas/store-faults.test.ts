import { describe, expect, it } from 'vitest';
import { type EventStore, StoreUnavailable } from '../../src/ports/event-store.ts';
import { POOL_A, type SagaWorld, startWorld, takenOf, usedBy } from './world.ts';

interface Fault {
  /** Which append (or reading) of the operations' process, from 1. */
  readonly at: number;
  /** How many appends in a row; five are repeated at once, then the operation begins again from what is recorded. */
  readonly times: number;
  readonly how: 'landed' | 'lost' | 'down' | 'unread';
}

interface Plan {
  fault: Fault | null;
  appends: number;
  readings: number;
}

/** A store whose appends and readings fail as planned, and count. */
function failing(plan: Plan) {
  const isHit = (count: number): boolean =>
    plan.fault !== null && count >= plan.fault.at && count < plan.fault.at + plan.fault.times;
  return (store: EventStore): EventStore => ({
    ...store,
    readStream: (stream, options) => {
      plan.readings += 1;
      if (plan.fault?.how === 'unread' && isHit(plan.readings))
        throw new StoreUnavailable('cannot be read', 'not-done');
      return store.readStream(stream, options);
    },
    append: async (stream, expected, events) => {
      plan.appends += 1;
      const { fault } = plan;
      if (fault === null || fault.how === 'unread' || !isHit(plan.appends))
        return store.append(stream, expected, events);
      if (fault.how === 'down') throw new StoreUnavailable('the store is down', 'not-done');
      if (fault.how === 'landed') await store.append(stream, expected, events);
      throw new StoreUnavailable('no answer came', 'unknown');
    },
  });
}

interface Result {
  readonly timeline: readonly string[];
  readonly quota: object;
  readonly pool: object;
  readonly objects: readonly (readonly [string, number])[];
  readonly openLeft: number;
}

interface Scenario {
  readonly name: string;
  /** What is there before the appends are counted. */
  readonly before?: (world: SagaWorld) => Promise<readonly string[]>;
  readonly ask: (world: SagaWorld, ids: readonly string[]) => Promise<{ readonly operationId: string }>;
}

const scenarios: readonly Scenario[] = [
  { name: 'creating a volume', ask: (world) => world.create() },
  {
    name: 'a creation that fails',
    ask: (world) => {
      // also when a call is made again whose outcome could not be recorded
      world.driver.script('createVolume', ...new Array(40).fill('terminal'));
      return world.create();
    },
  },
  {
    name: 'extending a volume',
    before: async (world) => [await world.available()],
    ask: (world, [volumeId = '']) => world.extend(volumeId, 4),
  },
  {
    name: 'taking a snapshot',
    before: async (world) => [await world.available()],
    ask: (world, [volumeId = '']) => world.snapshot(volumeId),
  },
  {
    name: 'deleting a volume with its snapshot',
    before: async (world) => {
      const volumeId = await world.available();
      await world.availableSnapshot(volumeId);
      return [volumeId];
    },
    ask: (world, [volumeId = '']) => world.remove(volumeId, { cascade: true }),
  },
];

async function run(scenario: Scenario, fault: Fault | null) {
  const plan: Plan = { fault: null, appends: 0, readings: 0 };
  const world = await startWorld({ eventStore: failing(plan) });
  const ids = (await scenario.before?.(world)) ?? [];
  plan.appends = 0;
  plan.readings = 0;
  plan.fault = fault;
  const { operationId } = await scenario.ask(world, ids);
  await world.ended(operationId);
  await world.stop();
  const open = [...world.quota().open, ...world.pool(POOL_A).open].reduce((sum, bucket) => sum + bucket.size, 0);
  const result: Result = {
    // an undo whose outcome could not be recorded is begun, and said to be begun, once more
    timeline: world.timeline(operationId).filter((line, index, all) => line !== all[index - 1]),
    quota: usedBy(world.quota()),
    pool: takenOf(world.pool()),
    objects: [...world.driver.objects].map(([name, size]) => [name.split('-', 1)[0] ?? name, size] as const),
    openLeft: open,
  };
  return { result, ...plan };
}

describe.each(scenarios)('$name', (scenario) => {
  const faults = (['landed', 'lost', 'down'] as const).flatMap((how) => [1, 6].map((times) => ({ how, times })));

  it.each([1, 2, 5])('comes to the same when %d reading(s) in a row fail, whichever they are', async (times) => {
    const { result, readings } = await run(scenario, null);
    for (let at = 1; at <= readings; at += 1)
      expect((await run(scenario, { how: 'unread', times, at })).result, `reading ${at}`).toEqual(result);
  });

  it.each(faults)('comes to the same when $times append(s) in a row are $how, whichever they are', async (fault) => {
    const { result, appends } = await run(scenario, null);
    expect(appends).toBeGreaterThan(3);
    for (let at = 1; at <= appends; at += 1)
      expect((await run(scenario, { ...fault, at })).result, `append ${at}`).toEqual(result);
  });
});
