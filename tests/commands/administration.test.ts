import { describe, expect, it } from 'vitest';
import { randomIds } from '../../src/commands/dependencies.ts';
import { createCommandHandler, type RefusalSink } from '../../src/commands/handle.ts';
import { createRefusalRecorder } from '../../src/commands/refusals.ts';
import {
  messagesStream,
  quotaStream,
  refusalsStream,
  serviceStream,
  VOLUME_TYPES_STREAM,
} from '../../src/commands/streams.ts';
import { resourceIdOf } from '../../src/domain/kernel/ids.ts';
import { reject } from '../../src/domain/kernel/rejection.ts';
import { stillClock } from './counter.ts';
import { createMemoryEventStore } from './memory-event-store.ts';
import { acceptedOf, asAdmin, asUser, startedWorld, typesIn, worldOn } from './world.ts';

const fast = { name: 'fast', description: null, isPublic: true, extraSpecs: {} };

describe('volume types', () => {
  it('are made, changed and deleted on one stream', async () => {
    const { types, store } = await startedWorld();
    const { typeId } = acceptedOf(await types.create(fast, asAdmin('admin', 'c')));
    expect(typeId).toBe(resourceIdOf('c', 'volume-type'));
    await types.update({ typeId, name: 'faster' }, asAdmin('admin', '1'));
    await types.setExtraSpecs({ typeId, extraSpecs: { a: '1' } }, asAdmin('admin', '2'));
    await types.deleteExtraSpec({ typeId, key: 'a' }, asAdmin('admin', '3'));
    await types.setDefault({ typeId, projectId: 'p1' }, asAdmin('admin', '4'));
    await types.unsetDefault({ projectId: 'p1' }, asAdmin('admin', '5'));
    await types.delete({ typeId }, asAdmin('admin', '6'));
    expect(typesIn(store, VOLUME_TYPES_STREAM)).toEqual([
      'VolumeTypeCreated',
      'VolumeTypeCreated',
      'VolumeTypeUpdated',
      'VolumeTypeExtraSpecsChanged',
      'VolumeTypeExtraSpecsChanged',
      'DefaultVolumeTypeSet',
      'DefaultVolumeTypeUnset',
      'VolumeTypeDeleted',
    ]);
  });

  it('have names of their own', async () => {
    const { types } = await startedWorld();
    await types.create(fast, asAdmin('admin', 'c1'));
    expect(await types.create(fast, asAdmin('admin', 'c2'))).toMatchObject({ rejection: { code: 'VolumeTypeExists' } });
  });

  it('stay as they are while volumes have them', async () => {
    const { types } = await startedWorld(undefined, { inUse: true });
    const { typeId } = acceptedOf(await types.create({ ...fast, extraSpecs: { a: '1' } }, asAdmin('admin', 'c')));
    const attempts = [
      types.delete({ typeId }, asAdmin('admin', '1')),
      types.setExtraSpecs({ typeId, extraSpecs: { b: '1' } }, asAdmin('admin', '2')),
      types.deleteExtraSpec({ typeId, key: 'a' }, asAdmin('admin', '3')),
    ];
    for (const attempt of attempts) expect(await attempt).toMatchObject({ kind: 'rejected' });
  });

  it('have a default from the start, made once', async () => {
    const { types, store } = await startedWorld();
    await types.ensureDefault(asAdmin('admin', 'again'));
    expect(typesIn(store, VOLUME_TYPES_STREAM)).toEqual(['VolumeTypeCreated']);
  });
});

describe('quota limits', () => {
  it('are set, merged and deleted', async () => {
    const world = await startedWorld();
    const set = (limits: Record<string, number>, id: string) =>
      world.quotas.setLimits({ projectId: 'p1', limits }, asAdmin('admin', id));
    expect(await set({ volumes: 2 }, '1')).toMatchObject({ kind: 'accepted', limits: { volumes: 2 } });
    expect(await set({ snapshots: 1 }, '2')).toMatchObject({ kind: 'accepted', limits: { volumes: 2, snapshots: 1 } });
    await world.availableVolume('p1');
    expect(await set({ volumes: 0 }, '3')).toMatchObject({ rejection: { code: 'InvalidQuota' } });
    expect(await world.quotas.deleteLimits({ projectId: 'p1' }, asAdmin('admin', '4'))).toMatchObject({
      kind: 'accepted',
    });
    expect((await world.quotaOf('p1')).limits).toEqual({});
    expect(typesIn(world.store, quotaStream('p1'))).toContain('QuotaLimitsDeleted');
  });

  it('of a class are checked', async () => {
    const { quotas } = await startedWorld();
    const result = await quotas.setClassLimits(
      { className: 'default', limits: { volumes: -2 } },
      asAdmin('admin', '1'),
    );
    expect(result).toMatchObject({ rejection: { code: 'InvalidQuota' } });
  });
});

describe('services', () => {
  it('register under a UUID that stays, and are disabled, enabled, frozen and thawed', async () => {
    const { services, store } = worldOn();
    const service = { binary: 'cinder-volume', host: 'node@file' };
    expect(await services.enable(service, asAdmin('admin', '0'))).toMatchObject({
      rejection: { code: 'ServiceNotFound' },
    });
    await services.register({ ...service, availabilityZone: 'nova' }, asAdmin('admin', '1'));
    await services.register({ ...service, availabilityZone: 'east' }, asAdmin('admin', '2'));
    await services.disable({ ...service, reason: 'repair' }, asAdmin('admin', '3'));
    await services.enable(service, asAdmin('admin', '4'));
    await services.freeze(service, asAdmin('admin', '5'));
    await services.thaw(service, asAdmin('admin', '6'));
    const events = store.eventsOf(serviceStream('cinder-volume', 'node@file'));
    expect(events.map(({ type }) => type)).toEqual([
      'ServiceRegistered',
      'ServiceRegistered',
      'ServiceDisabled',
      'ServiceEnabled',
      'ServiceFrozen',
      'ServiceThawed',
    ]);
    const uuids = events.slice(0, 2).map(({ data }) => (data as { serviceUuid: string }).serviceUuid);
    expect(uuids[0]).toBe(uuids[1]);
  });
});

describe('messages', () => {
  it('are put away once', async () => {
    const { messages, store } = worldOn();
    const input = { projectId: 'p1', messageId: 'm1' };
    await messages.delete(input, asUser('p1', '1'));
    expect(await messages.delete(input, asUser('p1', '2'))).toMatchObject({ kind: 'accepted', position: 0n });
    expect(typesIn(store, messagesStream('p1'))).toEqual(['MessageDeleted']);
  });
});

describe('ids and secrets', () => {
  it('are what clients expect', () => {
    expect(randomIds.authKey()).toMatch(/^[0-9a-f]{16}$/);
    expect(randomIds.salt()).toMatch(/^[0-9a-f]{16}$/);
    expect(randomIds.newId()).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(randomIds.authKey()).not.toBe(randomIds.authKey());
  });
});

describe('noting refusals', () => {
  type Refusal = Parameters<RefusalSink>[0];
  const refusalOf = (projectId: string, more: Partial<Refusal> = {}): Refusal => ({
    stream: 'volume-1',
    command: 'DeleteVolume',
    rejection: reject('InvalidVolume', { reason: 'busy' }),
    context: asUser(projectId, 'c1', { requestHash: 'h' }),
    ...more,
  });

  const recording = (store = createMemoryEventStore()) => {
    const clock = { ...stillClock(), time: Date.UTC(2026, 1, 3, 12) };
    const now = () => clock.time;
    const handler = createCommandHandler({ eventStore: store, clock: { ...clock, now } });
    const recorder = createRefusalRecorder({ handler: () => handler, clock: { ...clock, now }, ids: randomIds });
    return { store, clock, recorder };
  };

  it('leaves one fact: who, what, which rule', async () => {
    const { store, clock, recorder } = recording();
    recorder.sink(refusalOf('p1'));
    await recorder.settled();
    expect(refusalsStream('p1', clock.time)).toBe('refusals-p1-2026-02-03');
    expect(store.events).toMatchObject([
      {
        stream: 'refusals-p1-2026-02-03',
        type: 'CommandRefused',
        data: {
          projectId: 'p1',
          command: 'DeleteVolume',
          stream: 'volume-1',
          code: 'InvalidVolume',
          message: 'Invalid volume: busy',
        },
        metadata: { causationId: 'c1', correlationId: 'req-c1', actor: { projectId: 'p1' } },
      },
    ]);
  });

  it('notes the same request again when it is refused again', async () => {
    const { store, recorder } = recording();
    recorder.sink(refusalOf('p1'));
    recorder.sink(refusalOf('p1'));
    await recorder.settled();
    expect(store.events).toHaveLength(2);
  });

  it('is capped by project and minute', async () => {
    const { store, clock, recorder } = recording();
    for (let n = 0; n < 100; n += 1) recorder.sink(refusalOf('p1'));
    recorder.sink(refusalOf('p2'));
    await recorder.settled();
    expect(store.eventsOf(refusalsStream('p1', clock.time))).toHaveLength(60);
    expect(store.eventsOf(refusalsStream('p2', clock.time))).toHaveLength(1);
    expect(recorder.leftOut()).toBe(40);
    clock.time += 60_000;
    recorder.sink(refusalOf('p1'));
    await recorder.settled();
    expect(store.eventsOf(refusalsStream('p1', clock.time))).toHaveLength(61);
  });

  it('leaves out what no rule refused and what no person or service asked', async () => {
    const { store, recorder } = recording();
    recorder.sink(refusalOf('p1', { rejection: reject('TryAgain', { reason: 'busy' }) }));
    const { actor, ...context } = asUser('p1', 'c1');
    recorder.sink(refusalOf('p1', { context: { ...context, actor: { ...actor, kind: 'operation' } } }));
    await recorder.settled();
    expect(store.events).toEqual([]);
    expect(recorder.leftOut()).toBe(0);
  });

  it('never fails, also when the store does', async () => {
    const store = createMemoryEventStore();
    const { clock, recorder } = recording(store);
    store.plantFaults(refusalsStream('p1', clock.time), 'down');
    expect(() => recorder.sink(refusalOf('p1'))).not.toThrow();
    await recorder.settled();
    expect(recorder.leftOut()).toBe(1);
  });
});
