import { describe, expect, it } from 'vitest';
import { createCommandHandler } from '../../src/commands/handle.ts';
import { operationAggregate, operationStream } from '../../src/commands/operations.ts';
import { poolAggregate, poolStream } from '../../src/commands/streams.ts';
import type { OperationEvent } from '../../src/domain/operation/index.ts';
import { DriverError } from '../../src/drivers/storage/driver.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { operationDefinitions } from '../../src/sagas/definitions.ts';
import { createOperationsFeed } from '../../src/sagas/feed.ts';
import { createOperationRunner } from '../../src/sagas/runner.ts';
import { asAdmin } from '../commands/world.ts';
import { poolReport } from '../domain/placement/pools.ts';
import { createMemoryCoordination } from './memory-coordination.ts';
import { POOL_A, type SagaWorld, startWorld, takenOf } from './world.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A process beside the world's own, on the same log and backend, that owns operations as the test says. */
async function startBeside(world: SagaWorld) {
  const { clock, store, driver } = world;
  const owns = { drives: true, holds: true };
  const appended: string[] = [];
  const lease = new AbortController();
  const at = { place: async (): Promise<void> => undefined };
  const eventStore: EventStore = {
    ...store,
    append: async (stream, expected, events) => {
      const result = await store.append(stream, expected, events);
      appended.push(...events.map(({ type }) => type));
      return result;
    },
  };
  const handler = createCommandHandler({ eventStore, clock, random: () => 0 });
  const runner = createOperationRunner({
    handler,
    clock,
    workerId: 'beside',
    definitions: operationDefinitions,
    services: {
      handler,
      clock,
      backends: {
        forPool: (pool) => ({
          host: 'node@a',
          driver,
          serviceUuid: 'service',
          availabilityZone: 'nova',
          call: (signal) => ({ fencingToken: 1n, signal: AbortSignal.any([signal, lease.signal]) }),
          report: async () => poolReport({ pool, totalCapacityGiB: 100, freeCapacityGiB: 100 }),
        }),
      },
      placement: { maxAttempts: () => 3, place: () => at.place().then(() => ({ pool: POOL_A, weight: 0 })) },
    },
    logger: silent,
    ownership: { drives: () => owns.drives, holds: () => owns.holds },
  });
  const feed = createOperationsFeed({
    eventStore,
    coordination: createMemoryCoordination(),
    handler,
    runner,
    orphans: { charged: () => undefined, landed: () => undefined, open: () => [], stop: async () => undefined },
    definitions: operationDefinitions,
    clock,
    logger: silent,
    isKeeper: () => false,
  });
  await world.during(feed.start());
  const turn = (drives: boolean, holds: boolean): void => {
    Object.assign(owns, { drives, holds });
    if (drives) runner.reconsider();
  };
  return {
    open: (): readonly string[] => runner.open().map(({ id }) => id),
    /** Types of the events that this process appended, in order. */
    appended,
    lose: (): void => turn(false, false),
    /** Its partition is being handed over. */
    handOver: (): void => turn(false, true),
    regain: (): void => turn(true, true),
    loseLease: (): void => lease.abort(new DriverError('the lease was lost', { fenced: true })),
    /** What happens in the middle of a step. */
    at,
  };
}

/** The world's own process owns everything while it runs; it is the other one, and at first it does not. */
async function startTwo() {
  const world = await startWorld();
  await world.stop();
  return { world, beside: await startBeside(world) };
}

/** A creation that goes to another process while its claim is being appended. */
async function lostAtClaim(how: 'lose' | 'handOver' = 'lose') {
  const { world, beside } = await startTwo();
  world.store.beforeNextAppend(poolStream(POOL_A), async () => beside[how]());
  const created = await world.create();
  await world.clock.pass(60_000);
  return { world, beside, ...created };
}

async function recordAsOther(world: SagaWorld, operationId: string, ...progress: readonly OperationEvent[]) {
  const command = { type: 'RecordProgress', seen: world.operation(operationId).seen, progress } as const;
  await world.clients.handler.handle(operationAggregate, operationStream(operationId), command, asAdmin('p1', 'other'));
}

const BEGUN = ['started', 'done place', 'done claim', 'begun provision'];
const COMPLETE = [...BEGUN, 'done provision', 'done publish', 'succeeded'];

describe('an operation that goes to another process between two steps', () => {
  it('is left where it is: nothing more is appended, and no driver call is begun', async () => {
    const { world, beside, operationId } = await lostAtClaim();
    expect(beside.appended).toEqual(['OperationStarted', 'StepSucceeded', 'PoolCapacityClaimed']);
    expect(world.timeline(operationId)).toEqual(['started', 'done place']);
    expect(world.driver.calls).toEqual([]);
    expect(beside.open()).toEqual([operationId]);
  });

  it('is refused at the decision of a command that was sent before: it takes no room', async () => {
    const { world, beside } = await startTwo();
    beside.lose();
    const { operationId } = await world.create();
    // the claim is begun, and sent after this append
    world.store.beforeNextAppend(operationStream(operationId), async () => beside.lose());
    beside.regain();
    await world.clock.pass(60_000);
    expect(beside.appended).toEqual(['OperationStarted', 'StepSucceeded']);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 0, snapshotsGiB: 0 });
  });

  it('is refused also after a conflict, where it was this one’s when it was decided first', async () => {
    const { world, beside } = await startTwo();
    world.store.beforeNextAppend(poolStream(POOL_A), async () => {
      beside.lose();
      const claim = { operationId: 'other', resourceId: 'other', kind: 'volume', sizeGiB: 7 } as const;
      const command = { type: 'ClaimCapacity', ...claim, provisioningType: null, report: poolReport() } as const;
      await world.clients.handler.handle(poolAggregate, poolStream(POOL_A), command, asAdmin('p1', 'claim'));
    });
    await world.create();
    await world.clock.pass(60_000);
    expect(beside.appended).toEqual(['OperationStarted', 'StepSucceeded']);
    expect(takenOf(world.pool()), 'what the other took').toEqual({ volumesGiB: 7, snapshotsGiB: 0 });
  });

  it('while it is handed over gets what was done recorded, and no step more', async () => {
    const { world, operationId } = await lostAtClaim('handOver');
    expect(world.timeline(operationId)).toEqual(['started', 'done place', 'done claim']);
    expect(world.driver.calls).toEqual([]);
  });
});

describe('a driver call that is under way when the operation goes to another process', () => {
  async function underWay() {
    const { world, beside } = await startTwo();
    world.driver.script('createVolume', 'held');
    const created = await world.create();
    await world.called('createVolume');
    return { world, beside, ...created };
  }

  it('comes to its end, and what it did is not recorded here: its successor finds it', async () => {
    const { world, beside, volumeId, operationId } = await underWay();
    beside.lose();
    await world.clock.pass(60_000);
    expect(world.driver.objects.size, 'nobody tells it to end').toBe(0);
    world.driver.release();
    await world.clock.pass(60_000);
    expect(world.driver.objects.size).toBe(1);
    expect(world.timeline(operationId)).toEqual(BEGUN);
    await world.start();
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual(COMPLETE);
    expect(world.volume(volumeId).status).toBe('available');
  });

  it('is recorded while the operation is handed over, and nothing after it is begun', async () => {
    const { world, beside, volumeId, operationId } = await underWay();
    beside.handOver();
    world.driver.release();
    await world.clock.pass(60_000);
    expect(world.timeline(operationId).at(-1)).toBe('done provision');
    expect(world.volume(volumeId).status).toBe('creating');
  });

  it('is ended by the loss of the backend’s lease, and nothing is recorded of it', async () => {
    const { world, beside, operationId } = await underWay();
    beside.handOver();
    beside.loseLease();
    await world.clock.pass(60_000);
    expect(world.timeline(operationId).at(-1)).toBe('begun provision');
    expect(world.driver.objects.size).toBe(0);
    expect(world.driver.calls, 'it is not made again').toHaveLength(1);
  });

  it('is told to end when the operation is told to stop, also by another process', async () => {
    const { world, beside, operationId } = await underWay();
    beside.lose();
    const data = { operationId, by: 'other', reason: 'taken over' };
    await recordAsOther(world, operationId, { type: 'OperationStopRequested', data });
    await world.clock.pass(60_000);
    world.driver.release();
    await world.clock.pass(60_000);
    expect(world.driver.objects.size, 'it was broken off before it was let go').toBe(0);
    expect(world.timeline(operationId).slice(-2)).toEqual(['begun provision', 'told to stop']);
  });

  it.each([true, false])(
    'loses against a quicker successor, whether the process knows of it (%s) or not',
    async (knows) => {
      const { world, beside, volumeId, operationId } = await underWay();
      if (knows) beside.lose();
      const output = { backendName: 'by-the-successor', providerId: null, availabilityZone: 'nova', serviceUuid: 's' };
      const data = { operationId, step: 'provision', attempt: 1, output };
      await recordAsOther(world, operationId, { type: 'StepSucceeded', data });
      world.driver.release();
      await world.clock.pass(1_000);
      beside.regain();
      await world.ended(operationId);
      expect(world.timeline(operationId)).toEqual(COMPLETE);
      expect(world.volume(volumeId).backendName).toBe('by-the-successor');
    },
  );
});

describe('an operation that comes back', () => {
  it('goes on from what is recorded; what was done and not recorded is done over, to no effect', async () => {
    const { world, beside, operationId } = await lostAtClaim();
    beside.regain();
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual(COMPLETE);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
    expect(beside.open()).toEqual([]);
  });

  it('goes on from what another process recorded meanwhile', async () => {
    const { world, beside, volumeId, operationId } = await lostAtClaim();
    world.driver.script('createVolume', 'hangs');
    await world.start();
    await world.called('createVolume');
    await world.stop();
    expect(world.timeline(operationId).slice(-2)).toEqual(['done claim', 'begun provision']);

    const before = beside.appended.length;
    beside.regain();
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual(COMPLETE);
    expect(world.volume(volumeId).status).toBe('available');
    expect(beside.appended.slice(before), 'the call that the other began is made again, not begun again').not.toContain(
      'StepStarted',
    );
  });

  it.each(['before', 'in'])('that was lost %s its first step is started then', async (when) => {
    const { world, beside } = await startTwo();
    if (when === 'before') beside.lose();
    beside.at.place = async () => beside.lose();
    const { operationId } = await world.create();
    await world.clock.pass(60_000);
    expect(beside.appended).toEqual([]);
    expect(beside.open()).toEqual([operationId]);
    beside.at.place = async () => undefined;
    beside.regain();
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual(COMPLETE);
  });
});

describe('an operation that another process drives to its end', () => {
  it('is dropped here, and stays so when the process owns it again', async () => {
    const { world, beside, operationId } = await lostAtClaim();
    await world.start();
    await world.ended(operationId);
    await world.clock.pass(10);
    expect(beside.open()).toEqual([]);
    const before = beside.appended.length;
    beside.regain();
    await world.clock.pass(60_000);
    expect(beside.appended).toHaveLength(before);
    expect(world.driver.calls).toHaveLength(1);
  });

  it('during a driver call here is dropped when that has ended', async () => {
    const { world, beside } = await startTwo();
    world.driver.script('extendVolume', 'held');
    const volumeId = await world.available();
    const { operationId } = await world.extend(volumeId, 4);
    await world.called('extendVolume');
    beside.lose();
    await recordAsOther(world, operationId, { type: 'OperationSucceeded', data: { operationId } });
    await world.clock.pass(10);
    expect(beside.open()).toEqual([operationId]);
    world.driver.release();
    await world.clock.pass(10);
    expect(beside.open()).toEqual([]);
    expect(world.timeline(operationId).at(-1)).toBe('succeeded');
  });
});
