import type { Clock } from '../../src/ports/clock.ts';
import type { Coordination, Heartbeat, OpenWork } from '../../src/ports/coordination.ts';
import type { Delivery, EventStore, SubscribeOptions } from '../../src/ports/event-store.ts';
import type { Checkpoint, ReadStore } from '../../src/ports/read-store.ts';
import { allProjections } from '../../src/projections/all.ts';
import { decodeRecorded } from '../../src/projections/catalogue.ts';
import { createReadModelsKeeper, type ReadModelsKeeper } from '../../src/projections/keeper.ts';
import { createProjectionRunner } from '../../src/projections/runner.ts';
import type { LogLine } from './world.ts';

/** A process that keeps read models, and that a test may pause anywhere: nothing it asks for is answered meanwhile. */
export interface KeepingProcess {
  readonly keeper: ReadModelsKeeper;
  readonly log: LogLine[];
  pause(): void;
  /** Pauses when it next makes this call of the read store, before it is made. */
  pauseBefore(call: keyof ReadStore): void;
  goOn(): void;
}

interface Stores {
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly coordination: Coordination;
}

export function createKeepingProcess(name: string, stores: Stores, clock: Clock): KeepingProcess {
  const log: LogLine[] = [];
  const line = (level: LogLine['level']) => (fields: object, message: string) => log.push({ level, fields, message });
  const logger = { info: line('info'), warn: line('warn'), error: line('error') };
  let gate = Promise.resolve();
  let open = (): void => undefined;
  let fatal: keyof ReadStore | null = null;
  const pause = (): void => {
    gate = new Promise((resolve) => {
      open = resolve;
    });
  };

  /** Every call waits while the process is paused: before it is made, and with its answer. */
  const gated = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, key) => {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return async (...given: unknown[]) => {
          if (key === fatal) {
            fatal = null;
            pause();
          }
          await gate;
          try {
            return await value.apply(target, given);
          } finally {
            await gate;
          }
        };
      },
    });
  async function* subscribe(options: SubscribeOptions): AsyncGenerator<Delivery> {
    for await (const delivery of stores.eventStore.subscribe(options)) {
      await gate;
      yield delivery;
    }
  }
  const asks = gated(stores.eventStore);
  const eventStore: EventStore = {
    ...stores.eventStore,
    head: asks.head,
    subscribe,
  };
  const ownClock: Clock = { ...clock, sleep: gated(clock).sleep };
  const readStore = gated(stores.readStore);
  const keeper = createReadModelsKeeper({
    createRunner: (term) =>
      createProjectionRunner({
        ...{ eventStore, readStore, projections: allProjections, decode: decodeRecorded, logger, clock: ownClock },
        ...term,
      }),
    coordination: gated(stores.coordination),
    clock: ownClock,
    hostName: name,
    workerId: name,
    logger,
  });
  return {
    keeper,
    log,
    pause,
    pauseBefore: (call) => {
      fatal = call;
    },
    goOn: () => open(),
  };
}

/** Leases, beats, work and feed positions in memory, for several processes on one clock. */
export function createSharedCoordination(clock: Clock) {
  const leases = new Map<string, { holder: string | null; token: bigint; beat: number }>();
  const watches = new Map<string, { readonly beat: number; readonly token: bigint; readonly sinceMs: number }>();
  const beats = new Map<string, Heartbeat>();
  const work = new Map<string, OpenWork>();
  const feeds = new Map<string, Checkpoint>();
  const calls = { feedCheckpoint: 0 };
  const unused = async (): Promise<never> => {
    throw new Error('read models make no such call');
  };
  const coordination: Coordination = {
    acquire: async (resource, holder, termMs) => {
      const row = leases.get(resource) ?? { holder: null, token: 0n, beat: 0 };
      const watchKey = `${resource} ${holder}`;
      const watch = watches.get(watchKey);
      if (row.holder !== null && row.holder !== holder) {
        if (watch?.token !== row.token || watch.beat !== row.beat) {
          watches.set(watchKey, { ...row, sinceMs: clock.monotonicMs() });
          return null;
        }
        if (clock.monotonicMs() - watch.sinceMs < termMs) return null;
      }
      const token = row.token + 1n;
      leases.set(resource, { holder, token, beat: row.beat + 1 });
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
      const beat = (beats.get(service)?.beat ?? 0) + 1;
      beats.set(service, { service, beat, at, report: JSON.parse(JSON.stringify(report)) });
    },
    heartbeats: async () => [...beats.values()],
    putWork: async (items) => {
      for (const item of items) work.set(`${item.kind} ${item.id}`, item);
    },
    removeWork: async (kind, ids) => {
      for (const id of ids) work.delete(`${kind} ${id}`);
    },
    listWork: async (kind) => [...work.values()].filter((one) => one.kind === kind),
    feedCheckpoint: async (feed) => {
      calls.feedCheckpoint += 1;
      return feeds.get(feed) ?? null;
    },
    saveFeedCheckpoint: async (feed, checkpoint) => void feeds.set(feed, checkpoint),
    forget: async (service) => void beats.delete(service),
    releaseAll: unused,
    close: async () => {},
  };
  return { coordination, calls, work, leases };
}
