import { describe, expect, it } from 'vitest';
import { operationStream } from '../../src/commands/operations.ts';
import { quotaStream, volumeStream } from '../../src/commands/streams.ts';
import { resourceIdOf } from '../../src/domain/kernel/ids.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { asUser, emptyVolume } from '../commands/world.ts';
import { startWorld, usedBy } from './world.ts';

describe('the checkpoint of the operations feed', () => {
  it('means that everything before it is started, or kept as unfinished', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'held');
    const { operationId } = await world.create();
    await world.called('createVolume');
    await world.clock.pass(1_000);
    const requested = world.store.events.find(({ type }) => type === 'VolumeCreationRequested');
    expect(world.coordination.checkpoint?.position).toBeGreaterThanOrEqual(requested?.position ?? 0n);
    expect([...world.coordination.work.keys()]).toEqual([`operation ${operationId}`]);
    world.driver.release();
    await world.ended(operationId);
    await world.clock.pass(1_000);
    expect(world.coordination.work.size).toBe(0);
  });

  it('is not moved before the unfinished work behind it is saved', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'held');
    await world.clock.pass(1_000);
    const before = world.coordination.checkpoint;
    world.coordination.failNext('putWork', 3);
    await world.create();
    await world.called('createVolume');
    await world.clock.pass(1_200);
    expect(world.coordination.checkpoint).toEqual(before);
    expect(world.warnings).toContain('unfinished work cannot be saved now');
    await world.clock.pass(2_000);
    expect(world.coordination.work.size).toBe(1);
    expect(world.coordination.checkpoint).not.toEqual(before);
    world.driver.release();
  });

  it('let past an operation whose start was never recorded, that is started from the log', async () => {
    const world = await startWorld();
    await world.stop();
    const { operationId } = await world.create();
    const requested = world.store.events.find(({ type }) => type === 'VolumeCreationRequested');
    const head = world.store.events.at(-1);
    if (requested === undefined || head === undefined) throw new Error('nothing was requested');
    const data = { correlationId: 'req-1', position: String(requested.position) };
    await world.coordination.putWork([{ kind: 'operation', id: operationId, dueAt: 0, data }]);
    await world.coordination.saveFeedCheckpoint('operations', { position: head.position, eventId: head.id });
    await world.start();
    await world.ended(operationId);
    const [started] = world.store.eventsOf(operationStream(operationId));
    expect(started?.metadata.correlationId).toBe(requested.metadata.correlationId);
  });

  it('that is not in the log is not believed: the log is read from its beginning, and what has ended stays ended', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    await world.stop();
    const { operationId } = await world.extend(volumeId, 3);
    await world.coordination.saveFeedCheckpoint('operations', { position: 1_000n, eventId: 'of another log' });
    const events = world.store.events.length;
    await world.start();
    await world.ended(operationId);
    expect(world.driver.calls).toHaveLength(2);
    expect(
      world.store.events
        .slice(events)
        .every(({ stream }) => !stream.startsWith('operation-') || stream.endsWith(operationId)),
    ).toBe(true);
  });

  it('keeps work that was put until it is known to be removed', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'held');
    const { operationId } = await world.create();
    await world.called('createVolume');
    world.coordination.failNext('saveFeedCheckpoint', 2);
    await world.clock.pass(700);
    expect(world.coordination.work.size).toBe(1);
    world.driver.release();
    await world.ended(operationId);
    await world.clock.pass(2_000);
    expect(world.coordination.work.size).toBe(0);
  });
});

describe('a subscription that breaks', () => {
  it('is taken up again after the last event that was finished; nothing is done twice or left out', async () => {
    let breaks = 0;
    const breaking = (store: EventStore): EventStore => ({
      ...store,
      subscribe: async function* (options) {
        let delivered = 0;
        for await (const delivery of store.subscribe(options)) {
          yield delivery;
          delivered += 1;
          if (delivered % 3 === 0 && breaks < 40) {
            breaks += 1;
            throw new Error('the connection broke');
          }
        }
      },
    });
    const world = await startWorld({ eventStore: breaking });
    const volumeId = await world.available();
    const { operationId } = await world.remove(volumeId);
    await world.ended(operationId);
    expect(breaks).toBeGreaterThan(3);
    expect(world.driver.calls).toHaveLength(2);
    expect(usedBy(world.quota())).toEqual({ volumes: 0, gigabytes: 0, snapshots: 0 });
  });

  it('says so, until it is back', async () => {
    let down = false;
    const world = await startWorld({
      eventStore: (store) => ({
        ...store,
        subscribe: async function* (options) {
          for await (const delivery of store.subscribe(options)) {
            if (down) throw new Error('the log is away');
            yield delivery;
          }
        },
      }),
    });
    expect(world.feed().failure()).toBeNull();
    down = true;
    const { operationId } = await world.create();
    await world.clock.pass(2_000);
    expect(world.feed().failure()).toBe('the log is away');
    down = false;
    await world.ended(operationId);
    expect(world.feed().failure()).toBeNull();
  });
});

describe('a charge whose request never came', () => {
  /** The client's process dies between the charge and the request. */
  async function orphaned(world: Awaited<ReturnType<typeof startWorld>>, commandId: string): Promise<void> {
    world.store.plantFaults(volumeStream(resourceIdOf(commandId, 'volume')), 'down');
    await world.clients.volumes.create(emptyVolume({ sizeGiB: 2 }), asUser('p1', commandId)).catch(() => undefined);
  }

  it('is lapsed and given back within seconds, and a late request of it is refused', async () => {
    const world = await startWorld();
    await orphaned(world, 'lost-request');
    expect(usedBy(world.quota())).toEqual({ volumes: 1, gigabytes: 2, snapshots: 0 });
    await world.clock.until(() => usedBy(world.quota()).volumes === 0, 10_000);
    const late = await world.clients.volumes.create(emptyVolume({ sizeGiB: 2 }), asUser('p1', 'lost-request'));
    expect(late).toMatchObject({ kind: 'rejected', rejection: { code: 'RequestLapsed' } });
    expect(usedBy(world.quota())).toEqual({ volumes: 0, gigabytes: 0, snapshots: 0 });
  });

  it('is found by the next process too, also when the request was made impossible but not given back', async () => {
    const world = await startWorld();
    await orphaned(world, 'lost-request');
    await world.clock.pass(1_000);
    world.store.plantFaults(quotaStream('p1'), 'down', 'down');
    await world.clock.until(() => world.store.events.some(({ type }) => type === 'RequestLapsed'));
    await world.clock.pass(600);
    await world.stop();
    expect(usedBy(world.quota()).volumes).toBe(1);
    expect([...world.coordination.work.values()].map(({ kind }) => kind)).toEqual(['charge']);
    await world.start();
    await world.clock.until(() => usedBy(world.quota()).volumes === 0, 10_000);
  });

  it('is left alone where its request came after all', async () => {
    const world = await startWorld();
    const { operationId } = await world.create();
    await world.ended(operationId);
    await world.clock.pass(20_000);
    expect(usedBy(world.quota())).toEqual({ volumes: 1, gigabytes: 2, snapshots: 0 });
    expect(world.store.events.some(({ type }) => type === 'RequestLapsed')).toBe(false);
  });
});
