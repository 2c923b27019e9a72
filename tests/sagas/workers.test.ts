import { describe, expect, it } from 'vitest';
import { createCommandHandler } from '../../src/commands/handle.ts';
import { serviceStream } from '../../src/commands/streams.ts';
import type { BackendStats, CallContext } from '../../src/drivers/storage/driver.ts';
import { DriverError } from '../../src/drivers/storage/driver.ts';
import type { Coordination, Heartbeat, Lease } from '../../src/ports/coordination.ts';
import { createStorageWorkers } from '../../src/sagas/workers.ts';
import { createMemoryEventStore, type MemoryEventStore } from '../commands/memory-event-store.ts';
import { createMemoryCoordination } from './memory-coordination.ts';
import { createScriptedDriver } from './scripted-driver.ts';
import { createTestClock, type TestClock } from './test-clock.ts';

const HOST = 'node@a';
const POOL = 'node@a#one';

const stats: BackendStats = {
  backendName: 'a',
  vendorName: 'v',
  driverVersion: '1',
  storageProtocol: 'local',
  pools: [
    {
      pool: 'one',
      totalCapacityGiB: 10,
      freeCapacityGiB: 10,
      reservedPercentage: 0,
      thinProvisioning: false,
      thickProvisioning: true,
      maxOverSubscriptionRatio: 1,
      multiattach: false,
      capabilities: {},
      filterFunction: null,
      goodnessFunction: null,
    },
  ],
};

type Renewal = 'renewed' | 'lost' | 'error' | 'silence';

interface Setting {
  readonly clock?: TestClock;
  readonly store?: MemoryEventStore;
  readonly availabilityZone?: string;
  /** For a worker beside others: after how long without a beat they take its backend for abandoned. */
  readonly downAfterMs?: number;
  /** The last beat of whoever had the backend before. */
  readonly heardAgoMs?: number;
}

/** One worker on one backend, whose lease and whose driver do as a test wants. */
function startWorker(setting: Setting = {}) {
  const { clock = createTestClock(), availabilityZone = 'nova', downAfterMs = null, heardAgoMs } = setting;
  const store = setting.store ?? createMemoryEventStore(() => clock.now());
  const handler = createCommandHandler({ eventStore: store, clock });
  const driver = createScriptedDriver();
  const says = { renewal: 'renewed' as Renewal, setUp: async () => {}, stats: async () => stats };
  const beats: Heartbeat[] = [];
  const takenOver: bigint[] = [];
  const released: bigint[] = [];
  if (heardAgoMs !== undefined)
    beats.push({ service: `cinder-volume@${HOST}`, beat: 0, at: clock.now() - heardAgoMs, report: {} });
  let token = 0n;
  const coordination: Coordination = {
    ...createMemoryCoordination(),
    acquire: async (resource, holder): Promise<Lease> => {
      token += 1n;
      return { resource, holder, token };
    },
    renew: async () => {
      if (says.renewal === 'error') throw new Error('the coordination store is away');
      if (says.renewal === 'silence') return new Promise<boolean>(() => {});
      return says.renewal === 'renewed';
    },
    release: async (lease) => void released.push(lease.token),
    beat: async (service, at, report) => void beats.push({ service, beat: beats.length, at, report }),
    heartbeats: async () => beats,
  };
  const workers = createStorageWorkers({
    host: 'node',
    workerId: 'worker',
    backends: [
      {
        name: 'a',
        availabilityZone,
        driver: {
          ...driver,
          setUp: () => says.setUp(),
          takeOver: async (context: CallContext) => void takenOver.push(context.fencingToken),
          stats: () => says.stats(),
        },
      },
    ],
    coordination,
    handler,
    clock,
    reportEveryMs: 5_000,
    downAfterMs,
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  return { clock, store, workers, says, beats, takenOver, released };
}

describe('the worker of a backend', () => {
  it('takes the lease, fences off whoever had it, registers, and says what the backend has', async () => {
    const { workers, store, takenOver, beats } = startWorker();
    await workers.start();
    expect(takenOver).toEqual([1n]);
    expect(store.eventsOf(serviceStream('cinder-volume', HOST)).map(({ type }) => type)).toEqual(['ServiceRegistered']);
    expect(beats).toMatchObject([
      { service: `cinder-volume@${HOST}`, report: { pools: [{ pool: POOL, totalCapacityGiB: 10 }] } },
    ]);
    expect(workers.forPool(POOL)?.call(new AbortController().signal).fencingToken).toBe(1n);
    expect(workers.forPool('node@b#one')).toBeNull();
    expect(workers.notReady()).toEqual([]);
  });

  it('measures again and again, and keeps the last figures where that fails', async () => {
    const { workers, clock, beats, says } = startWorker();
    await workers.start();
    await clock.pass(12_000);
    expect(beats).toHaveLength(3);
    says.stats = async () => {
      throw new DriverError('cannot be measured');
    };
    await clock.pass(10_000);
    expect(beats).toHaveLength(3);
    expect(workers.notReady()).toEqual([{ backend: HOST, reason: 'cannot be measured' }]);
    expect(await workers.forPool(POOL)?.report(POOL)).toMatchObject({ totalCapacityGiB: 10 });
    says.stats = async () => stats;
    await clock.pass(10_000);
    expect(workers.notReady()).toEqual([]);
  });

  it('keeps its lease while a measurement hangs', async () => {
    const { workers, clock, says, takenOver } = startWorker();
    await workers.start();
    says.stats = () => new Promise<BackendStats>(() => {});
    await clock.pass(60_000);
    expect(workers.forPool(POOL)).not.toBeNull();
    expect(takenOver).toEqual([1n]);
  });

  it('whose lease is another’s ends every call at once, and takes it again with a new token', async () => {
    const { workers, clock, says, takenOver } = startWorker();
    await workers.start();
    const call = workers.forPool(POOL)?.call(new AbortController().signal);
    says.renewal = 'lost';
    await clock.until(() => call?.signal.aborted === true, 6_000);
    expect(call?.signal.reason).toMatchObject({ fenced: true });
    expect(workers.forPool(POOL)).toBeNull();
    says.renewal = 'renewed';
    await clock.pass(5_000);
    expect(takenOver).toEqual([1n, 2n]);
    expect(workers.forPool(POOL)?.call(new AbortController().signal).fencingToken).toBe(2n);
  });

  it.each(['error', 'silence'] as const)(
    'that gets no answer (%s) stops before anybody else may start',
    async (renewal) => {
      const { workers, clock, says } = startWorker();
      await workers.start();
      const call = workers.forPool(POOL)?.call(new AbortController().signal);
      says.renewal = renewal;
      const before = clock.monotonicMs();
      await clock.until(() => call?.signal.aborted === true, 60_000);
      expect(clock.monotonicMs() - before).toBeLessThan(15_000);
      expect(workers.forPool(POOL)).toBeNull();
    },
  );

  it('survives one renewal that fails', async () => {
    const { workers, clock, says, takenOver } = startWorker();
    await workers.start();
    says.renewal = 'error';
    await clock.pass(6_000);
    says.renewal = 'renewed';
    await clock.pass(30_000);
    expect(takenOver).toEqual([1n]);
    expect(workers.forPool(POOL)).not.toBeNull();
  });

  it('tries again until its backend can be set up, and gives the lease back meanwhile', async () => {
    const { workers, clock, says, released } = startWorker();
    says.setUp = async () => {
      throw new DriverError('not mounted');
    };
    await workers.start();
    expect(workers.notReady()).toEqual([{ backend: HOST, reason: 'not mounted' }]);
    expect(released).toEqual([1n]);
    says.setUp = async () => {};
    await clock.pass(3_000);
    expect(workers.forPool(POOL)).not.toBeNull();
    expect(workers.notReady()).toEqual([]);
  });

  it('does not keep the others waiting for a backend that hangs', async () => {
    const { workers, clock, says } = startWorker();
    says.setUp = () => new Promise<void>(() => {});
    let started = false;
    void workers.start().then(() => {
      started = true;
    });
    await clock.until(() => started, 40_000);
    expect(workers.notReady()).toEqual([{ backend: HOST, reason: 'it has not answered within 30000 ms' }]);
  });

  it('records a zone that was changed before a start, and nothing where none was', async () => {
    const { clock, store, workers } = startWorker();
    await workers.start();
    const registered = (): unknown[] => store.eventsOf(serviceStream('cinder-volume', HOST)).map(({ data }) => data);
    await clock.pass(1);
    await startWorker({ clock, store }).workers.start();
    expect(registered()).toHaveLength(1);
    await clock.pass(1);
    await startWorker({ clock, store, availabilityZone: 'south' }).workers.start();
    expect(registered()).toMatchObject([{ availabilityZone: 'nova' }, { availabilityZone: 'south' }]);
  });

  it('gives its lease back when it stops', async () => {
    const { workers, clock, released } = startWorker();
    await workers.start();
    let stopped = false;
    void workers.stop().then(() => {
      stopped = true;
    });
    await clock.until(() => stopped, 1_000);
    expect(released).toEqual([1n]);
    expect(workers.forPool(POOL)).toBeNull();
  });
});

describe('the worker of a backend beside other processes', () => {
  const DOWN_AFTER_MS = 60_000;
  const failing = async (): Promise<BackendStats> => {
    throw new DriverError('cannot be measured');
  };

  it('drives what is on its backend at once, where nobody can have taken that for abandoned', async () => {
    for (const heardAgoMs of [undefined, 29_000]) {
      const { workers } = startWorker({
        downAfterMs: DOWN_AFTER_MS,
        ...(heardAgoMs === undefined ? {} : { heardAgoMs }),
      });
      await workers.start();
      expect(workers.owns(POOL)).toBe(true);
    }
  });

  it.each([
    ['silent for long before it started', 31_000],
    ['last heard of in the future, by another clock', -1_000],
  ])('waits with what is on a backend %s until its beat was heard', async (_, heardAgoMs) => {
    const { workers, clock } = startWorker({ downAfterMs: DOWN_AFTER_MS, heardAgoMs });
    await workers.start();
    expect(workers.forPool(POOL)).not.toBeNull();
    expect(workers.owns(POOL)).toBe(false);
    await clock.pass(5_900);
    expect(workers.owns(POOL)).toBe(false);
    await clock.pass(200);
    expect(workers.owns(POOL)).toBe(true);
  });

  it('drives nothing more when it could not beat for half the time, long before others take over, and again when it was heard', async () => {
    const { workers, clock, says, beats } = startWorker({ downAfterMs: DOWN_AFTER_MS });
    await workers.start();
    says.stats = failing;
    await clock.pass(29_900);
    expect(workers.owns(POOL)).toBe(true);
    await clock.pass(200);
    expect(workers.owns(POOL)).toBe(false);
    expect(workers.forPool(POOL)).not.toBeNull();

    says.stats = async () => stats;
    const silent = beats.length;
    await clock.until(() => beats.length > silent, 6_000);
    await clock.pass(5_900);
    expect(workers.owns(POOL)).toBe(false);
    await clock.pass(200);
    expect(workers.owns(POOL)).toBe(true);
  });
});
