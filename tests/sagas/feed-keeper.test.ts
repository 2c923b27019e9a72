import { describe, expect, it } from 'vitest';
import { createCommandHandler } from '../../src/commands/handle.ts';
import { volumeStream } from '../../src/commands/streams.ts';
import { resourceIdOf } from '../../src/domain/kernel/ids.ts';
import type { Coordination } from '../../src/ports/coordination.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { operationDefinitions } from '../../src/sagas/definitions.ts';
import { createOperationsFeed } from '../../src/sagas/feed.ts';
import { watchOrphans } from '../../src/sagas/lapse-orphans.ts';
import { createOperationRunner } from '../../src/sagas/runner.ts';
import { asUser, emptyVolume } from '../commands/world.ts';
import { createMemoryCoordination, type MemoryCoordination } from './memory-coordination.ts';
import { type SagaWorld, startWorld } from './world.ts';

type Write = 'putWork' | 'removeWork' | 'saveFeedCheckpoint';

/** A feed beside the world's own process, which drives everything; what this one saves is in `saved`. */
async function join(world: SagaWorld, saved: MemoryCoordination, isKeeper: boolean) {
  const { clock, store } = world;
  const is = { keeper: isKeeper };
  /** What it wrote, and what happens in the middle of such a write. */
  const writes: Write[] = [];
  const during: Partial<Record<Write, () => void>> = {};
  let deaf: Promise<void> | null = null;
  let hearAgain = (): void => undefined;
  const noting =
    <A extends unknown[]>(name: Write, write: (...given: A) => Promise<void>) =>
    async (...given: A): Promise<void> => {
      // a save without anything new says so by an empty list
      if (!(Array.isArray(given[0]) && given[0].length === 0)) writes.push(name);
      await write(...given);
      during[name]?.();
    };
  const coordination: Coordination = {
    ...saved,
    putWork: noting('putWork', saved.putWork),
    removeWork: noting('removeWork', saved.removeWork),
    saveFeedCheckpoint: noting('saveFeedCheckpoint', saved.saveFeedCheckpoint),
  };
  const eventStore: EventStore = {
    ...store,
    subscribe: async function* (options) {
      for await (const delivery of store.subscribe(options)) {
        if (deaf !== null) await deaf;
        yield delivery;
      }
    },
  };
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const handler = createCommandHandler({ eventStore, clock, random: () => 0 });
  const runner = createOperationRunner({
    handler,
    clock,
    workerId: 'beside',
    definitions: operationDefinitions,
    // it drives nothing, and so asks for none
    services: { handler } as never,
    logger,
    ownership: { drives: () => false, holds: () => false },
  });
  const orphans = watchOrphans({ clock, lapse: async () => true, logger, isActive: () => false });
  const feed = createOperationsFeed({
    eventStore,
    coordination,
    handler,
    runner,
    orphans,
    definitions: operationDefinitions,
    clock,
    logger,
    isKeeper: () => is.keeper,
  });
  await world.during(feed.start());
  return {
    is,
    writes,
    during,
    open: (): readonly string[] => runner.open().map(({ id }) => id),
    hearNothing: (): void => {
      deaf = new Promise((resolve) => {
        hearAgain = resolve;
      });
    },
    hearAgain: (): void => {
      deaf = null;
      hearAgain();
    },
    stop: async (): Promise<void> => {
      await runner.stop();
      await world.during(feed.stop());
      await orphans.stop();
    },
  };
}

type Joined = Awaited<ReturnType<typeof join>>;

async function startTwo() {
  const world = await startWorld();
  const saved = createMemoryCoordination();
  return { world, saved, one: await join(world, saved, true), two: await join(world, saved, false) };
}

const handTo = (to: Joined, from: Joined): void => {
  from.is.keeper = false;
  to.is.keeper = true;
};

/** A creation that stays under way until the driver lets it go. */
async function unfinished(world: SagaWorld) {
  world.driver.script('createVolume', 'held');
  const created = await world.create();
  await world.clock.until(() => world.timeline(created.operationId).includes('begun provision'));
  await world.clock.pass(1_000);
  return created;
}

/** All that was held is let go, and ends. */
async function finish(world: SagaWorld, ...created: readonly { readonly operationId: string }[]) {
  world.driver.release();
  for (const { operationId } of created) await world.ended(operationId);
  await world.clock.pass(1_000);
}

const idsOf = (saved: MemoryCoordination): readonly string[] => [...saved.work.values()].map(({ id }) => id);

describe('what is unfinished, and how far the feed has come', () => {
  it('is saved by the keeper alone', async () => {
    const { world, saved, one, two } = await startTwo();
    const created = await unfinished(world);
    expect(idsOf(saved)).toEqual([created.operationId]);
    await finish(world, created);
    expect(idsOf(saved)).toEqual([]);
    expect(saved.checkpoint?.position).toBe(world.store.events.at(-1)?.position);
    expect(new Set(one.writes)).toEqual(new Set(['putWork', 'removeWork', 'saveFeedCheckpoint']));
    expect(two.writes).toEqual([]);
  });

  it('is not saved where nobody is the keeper, but known, and saved by whoever becomes it', async () => {
    const { world, saved, one, two } = await startTwo();
    one.is.keeper = false;
    const { operationId } = await unfinished(world);
    expect(saved.work.size).toBe(0);
    expect(two.open()).toEqual([operationId]);
    two.is.keeper = true;
    await world.clock.pass(1_000);
    expect(idsOf(saved)).toEqual([operationId]);
    expect(saved.checkpoint?.position).toBe(world.store.events.at(-1)?.position);
  });

  it('is not written at the stop of a process that is not the keeper, and is at that of the keeper', async () => {
    const { world, saved, one, two } = await startTwo();
    await unfinished(world);
    await two.stop();
    expect(two.writes).toEqual([]);
    world.driver.script('createVolume', 'held');
    const { operationId } = await world.create();
    await world.clock.until(() => one.open().includes(operationId));
    expect(idsOf(saved)).not.toContain(operationId);
    await one.stop();
    expect(idsOf(saved)).toContain(operationId);
    const requested = world.store.events.findLast(({ type }) => type === 'VolumeCreationRequested');
    expect(saved.checkpoint?.position).toBeGreaterThanOrEqual(requested?.position ?? 0n);
  });

  it('is listed once more when the keeper stops: one that was paused may have put back what has ended', async () => {
    const { world, saved, one } = await startTwo();
    const created = await unfinished(world);
    const late = [...saved.work.values()];
    await finish(world, created);
    await saved.putWork(late);
    await world.clock.pass(1_000);
    expect(idsOf(saved)).toEqual([created.operationId]);
    await one.stop();
    expect(idsOf(saved)).toEqual([]);
  });
});

describe('a process that becomes the keeper', () => {
  it('goes on from what its forerunner saved: nothing unfinished is lost, and what has ended is removed', async () => {
    const { world, saved, one, two } = await startTwo();
    const first = await unfinished(world);
    one.is.keeper = false;
    await finish(world, first);
    const second = await unfinished(world);
    expect(idsOf(saved), 'nobody keeps it').toEqual([first.operationId]);
    two.is.keeper = true;
    await world.clock.pass(1_000);
    expect(idsOf(saved)).toEqual([second.operationId]);

    const third = await join(world, saved, false);
    expect(third.open(), 'a later start takes it up').toEqual([second.operationId]);
    await finish(world, second);
    expect(idsOf(saved)).toEqual([]);
  });

  it('does not write before it has come as far as its forerunner: it does not know what there is', async () => {
    const { world, saved, one, two } = await startTwo();
    const first = await unfinished(world);
    two.hearNothing();
    await finish(world, first);
    const { operationId } = await unfinished(world);
    const { checkpoint } = saved;
    handTo(two, one);
    await world.clock.pass(5_000);
    expect(two.writes).toEqual([]);
    expect(idsOf(saved)).toEqual([operationId]);
    expect(saved.checkpoint).toEqual(checkpoint);

    two.hearAgain();
    const other = await unfinished(world);
    expect(idsOf(saved)).toEqual([operationId, other.operationId]);
    expect(saved.checkpoint?.position).toBe(world.store.events.at(-1)?.position);
  });

  it('does not wait for what a longer log had, in whose place an older backup was restored', async () => {
    const world = await startWorld();
    const saved = createMemoryCoordination();
    const { operationId } = await unfinished(world);
    await saved.saveFeedCheckpoint('operations', { position: 1_000n, eventId: 'of the log that was lost' });
    await saved.putWork([{ kind: 'operation', id: 'lost', dueAt: 0, data: {} }]);
    await join(world, saved, true);
    await world.clock.pass(2_000);
    expect(idsOf(saved)).toEqual([operationId]);
    expect(saved.checkpoint?.position).toBe(world.store.events.at(-1)?.position);
  });

  it('again lists what was saved meanwhile: what its forerunner put is its to remove', async () => {
    const { world, saved, one, two } = await startTwo();
    handTo(two, one);
    await world.clock.pass(1_000);
    const created = await unfinished(world);
    expect(idsOf(saved)).toEqual([created.operationId]);
    handTo(one, two);
    two.is.keeper = false;
    await finish(world, created);
    expect(idsOf(saved)).toEqual([]);
    expect(one.writes.filter((write) => write === 'putWork')).toEqual([]);
  });

  it('again sets right what its forerunner, which was paused, wrote too late', async () => {
    const { world, saved, one, two } = await startTwo();
    const { operationId } = await unfinished(world);
    handTo(two, one);
    await world.clock.pass(1_000);
    const { checkpoint } = saved;
    await saved.removeWork('operation', [operationId]);
    await saved.saveFeedCheckpoint('operations', { position: 0n, eventId: 'the first' });
    handTo(one, two);
    await world.clock.pass(1_000);
    expect(idsOf(saved)).toEqual([operationId]);
    expect(saved.checkpoint).toEqual(checkpoint);
  });

  it('takes over the charges that wait for their requests as well', async () => {
    const { world, saved, one, two } = await startTwo();
    world.store.plantFaults(volumeStream(resourceIdOf('lost-request', 'volume')), 'down');
    await world.clients.volumes
      .create(emptyVolume({ sizeGiB: 2 }), asUser('p1', 'lost-request'))
      .catch(() => undefined);
    await world.clock.pass(1_000);
    const kinds = (): readonly string[] => [...saved.work.values()].map(({ kind }) => kind);
    expect(kinds()).toEqual(['charge']);
    one.is.keeper = false;
    await world.clock.until(() => world.typesIn('quota-p1').includes('QuotaReturned'), 20_000);
    await world.clock.pass(1_000);
    expect(kinds()).toEqual(['charge']);
    two.is.keeper = true;
    await world.clock.pass(1_000);
    expect(kinds()).toEqual([]);
  });
});

describe('a keeper that is it no longer', () => {
  it('writes no more, though it goes on to follow the log', async () => {
    const { world, saved, one, two } = await startTwo();
    const created = await unfinished(world);
    handTo(two, one);
    const before = one.writes.length;
    await finish(world, created);
    const other = await unfinished(world);
    await one.stop();
    expect(one.writes).toHaveLength(before);
    expect(one.open()).toEqual([other.operationId]);
    expect(idsOf(saved)).toEqual([other.operationId]);
  });

  it.each([
    { since: 'putWork', left: 1 },
    { since: 'removeWork', left: 0 },
  ] as const)('since it began with $since writes nothing more, and moves no checkpoint', async ({ since, left }) => {
    const { world, saved, one } = await startTwo();
    const first = await unfinished(world);
    const { checkpoint } = saved;
    one.during[since] = () => {
      one.is.keeper = false;
    };
    await finish(world, first);
    await world.clock.pass(1_000);
    expect(saved.work.size).toBe(left);
    expect(saved.checkpoint).toEqual(checkpoint);
  });
});
