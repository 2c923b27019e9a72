import { describe, expect, it } from 'vitest';
import type { Coordination, Heartbeat } from '../../src/ports/coordination.ts';
import { createOwnership } from '../../src/sagas/ownership.ts';
import { createPartitions, PARTITIONS, type Partitions, partitionOf } from '../../src/sagas/partitions.ts';
import { createMemoryCoordination } from './memory-coordination.ts';
import { createTestClock, type TestClock } from './test-clock.ts';

const DOWN_AFTER_MS = 60_000;

/** Leases and beats that several workers of one test share. */
function sharedCoordination(clock: TestClock): Coordination {
  const leases = new Map<string, { holder: string | null; token: bigint; beat: number }>();
  const beats = new Map<string, Heartbeat>();
  const watches = new Map<string, { readonly seen: string; readonly sinceMs: number }>();
  return {
    ...createMemoryCoordination(),
    acquire: async (resource, holder, termMs) => {
      const row = leases.get(resource) ?? { holder: null, token: 0n, beat: 0 };
      const seen = `${row.token} ${row.beat}`;
      const watch = watches.get(`${resource} ${holder}`);
      const isFree = row.holder === null || row.holder === holder;
      if (!isFree && watch?.seen !== seen) watches.set(`${resource} ${holder}`, { seen, sinceMs: clock.monotonicMs() });
      const isOver = watch?.seen === seen && clock.monotonicMs() - watch.sinceMs >= termMs;
      if (!isFree && !isOver) return null;
      const token = row.token + 1n;
      leases.set(resource, { holder, token, beat: 0 });
      return { resource, holder, token };
    },
    renew: async ({ resource, holder, token }) => {
      const row = leases.get(resource);
      if (row?.holder !== holder || row.token !== token) return false;
      row.beat += 1;
      return true;
    },
    release: async ({ resource, holder, token }) => {
      const row = leases.get(resource);
      if (row?.holder === holder && row.token === token) row.holder = null;
    },
    beat: async (service, at, report) => {
      beats.set(service, { service, beat: (beats.get(service)?.beat ?? 0) + 1, at, report });
    },
    heartbeats: async () => [...beats.values()],
    forget: async (service) => void beats.delete(service),
  };
}

function startWorkers() {
  const clock = createTestClock();
  const coordination = sharedCoordination(clock);
  const busy = new Set<number>();
  /** `dies`: its calls never come back from then on. */
  const join = async (workerId: string): Promise<Partitions & { die(): void }> => {
    let alive = true;
    const dead =
      <A extends unknown[], R>(call: (...given: A) => Promise<R>) =>
      (...given: A): Promise<R> =>
        alive ? call(...given) : new Promise<R>(() => {});
    const { acquire, renew, release, beat, heartbeats, forget } = coordination;
    const partitions = createPartitions({
      coordination: {
        ...coordination,
        acquire: dead(acquire),
        renew: dead(renew),
        release: dead(release),
        beat: dead(beat),
        heartbeats: dead(heartbeats),
        forget: dead(forget),
      },
      clock,
      workerId,
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      downAfterMs: DOWN_AFTER_MS,
      isBusy: (partition) => busy.has(partition),
      onGained: () => undefined,
    });
    await partitions.start();
    return {
      ...partitions,
      die: () => {
        alive = false;
      },
    };
  };
  return { clock, coordination, busy, join };
}

const countOf = (...workers: readonly Partitions[]): readonly number[] => workers.map((one) => one.held().length);

describe('partitions of operations', () => {
  it('are all one worker’s while it is alone', async () => {
    const { join } = startWorkers();
    const one = await join('one');
    expect(countOf(one)).toEqual([PARTITIONS]);
    expect(one.holdsFirst()).toBe(true);
    expect(one.drives('any volume')).toBe(true);
  });

  it('are shared with one that joins, within seconds, and never held twice', async () => {
    const { clock, join } = startWorkers();
    const one = await join('one');
    const two = await join('two');
    await clock.pass(10_000);
    expect(countOf(one, two)).toEqual([8, 8]);
    expect(new Set([...one.held(), ...two.held()]).size).toBe(PARTITIONS);
    expect(one.holdsFirst(), 'what is one for all stays where it is').toBe(true);
  });

  it('go to the others at once when a worker stops', async () => {
    const { clock, join } = startWorkers();
    const one = await join('one');
    const two = await join('two');
    await clock.pass(10_000);
    let stopped = false;
    void one.stop().then(() => {
      stopped = true;
    });
    await clock.until(() => stopped);
    await clock.pass(4_000);
    expect(countOf(one, two)).toEqual([0, PARTITIONS]);
  });

  it('go to the others within seconds when a worker dies, which then knows that it has none', async () => {
    const { clock, join } = startWorkers();
    const one = await join('one');
    const two = await join('two');
    await clock.pass(10_000);
    one.die();
    await clock.pass(20_000);
    expect(countOf(one, two)).toEqual([0, PARTITIONS]);
  });

  it('are handed over only when what is driven has come to a step’s end', async () => {
    const { clock, busy, join } = startWorkers();
    const one = await join('one');
    const last = PARTITIONS - 1;
    const volumeId = Array.from({ length: 1_000 }, (_, n) => `v${n}`).find((id) => partitionOf(id) === last) ?? '';
    busy.add(last);
    await join('two');
    await clock.pass(2_000);
    expect(one.drives(volumeId), 'nothing new is begun').toBe(false);
    expect(one.holds(volumeId), 'what runs is recorded').toBe(true);
    busy.clear();
    await clock.pass(1_000);
    expect(one.holds(volumeId)).toBe(false);
  });

  it('of a worker that is gone leave no beat behind', async () => {
    const { clock, coordination, join } = startWorkers();
    await join('one');
    const two = await join('two');
    two.die();
    await clock.pass(90_000);
    expect((await coordination.heartbeats()).map(({ service }) => service)).toEqual(['operations-one']);
  });

  it('take a backend for abandoned when its beat stands still, whatever the clocks say', async () => {
    const { clock, coordination, join } = startWorkers();
    await coordination.beat('cinder-volume@node@a', 0, {});
    const one = await join('one');
    await clock.pass(30_000);
    expect(one.isAbandoned('node@a')).toBe(false);
    await clock.pass(40_000);
    expect(one.isAbandoned('node@a')).toBe(true);
    await coordination.beat('cinder-volume@node@a', 0, {});
    await clock.pass(2_000);
    expect(one.isAbandoned('node@a')).toBe(false);
  });
});

describe('an operation is driven', () => {
  const partitions = (mine: boolean, abandoned: boolean) => ({
    drives: () => mine,
    holds: () => mine,
    isAbandoned: () => abandoned,
  });
  const workers = (mine: boolean) => ({ owns: () => mine });
  const onPool = { volumeId: 'v', pool: 'node@a#one' };
  const unplaced = { volumeId: 'v', pool: null };

  it('by the holder of the partition before a pool is known', () => {
    expect(createOwnership({ partitions: partitions(true, false), workers: null }).drives(unplaced)).toBe(true);
    expect(createOwnership({ partitions: null, workers: workers(true) }).drives(unplaced)).toBe(false);
  });

  it('by the holder of the backend once it is', () => {
    expect(createOwnership({ partitions: partitions(true, false), workers: null }).drives(onPool)).toBe(false);
    expect(createOwnership({ partitions: partitions(false, false), workers: workers(true) }).drives(onPool)).toBe(true);
  });

  it('by the holder of the partition where the backend is nobody’s any more', () => {
    expect(createOwnership({ partitions: partitions(true, true), workers: workers(false) }).drives(onPool)).toBe(true);
    expect(createOwnership({ partitions: partitions(false, true), workers: workers(false) }).holds(onPool)).toBe(false);
  });
});
