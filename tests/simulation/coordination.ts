import type { Coordination, Heartbeat, Lease, OpenWork } from '../../src/ports/coordination.ts';
import { StoreUnavailable } from '../../src/ports/event-store.ts';
import type { Checkpoint } from '../../src/ports/read-store.ts';
import type { Scheduler, SimProcess } from './scheduler.ts';
import type { Weather } from './weather.ts';

export interface SimulatedCoordination {
  connect(process: SimProcess): Coordination;
  /** Takes back writes that were not told to reach the disk, newest first, down to the last that was. */
  losePower(): void;
  readonly work: ReadonlyMap<string, OpenWork>;
}

interface LeaseRow {
  holder: string | null;
  token: bigint;
  beat: number;
}

/** Leases, beats and unfinished work that survive every process. */
export function createSimulatedCoordination(options: {
  readonly scheduler: Scheduler;
  readonly weather: () => Weather;
}): SimulatedCoordination {
  const { scheduler, weather } = options;
  const { random } = scheduler;
  const leases = new Map<string, LeaseRow>();
  const beats = new Map<string, Heartbeat>();
  const work = new Map<string, OpenWork>();
  const feeds = new Map<string, Checkpoint>();
  /** How to take back what is not on the disk yet. */
  let undos: (() => void)[] = [];

  const put = <V>(map: Map<string, V>, key: string, value: V): void => {
    const before = map.get(key);
    undos.push(() => {
      if (before === undefined) map.delete(key);
      else map.set(key, before);
    });
    map.set(key, value);
  };
  const drop = <V>(map: Map<string, V>, key: string): void => {
    const before = map.get(key);
    if (before === undefined) return;
    undos.push(() => map.set(key, before));
    map.delete(key);
  };
  const onDisk = (): void => {
    undos = [];
  };
  const keyOf = (kind: OpenWork['kind'], id: string): string => `${kind} ${id}`;

  const connect = (process: SimProcess): Coordination => {
    const watches = new Map<string, { readonly beat: number; readonly token: bigint; readonly sinceMs: number }>();
    const asked = async <T>(what: string, answer: () => T): Promise<T> => {
      await scheduler.turn(process, what);
      if (random.chance(weather().coordination.down))
        throw new StoreUnavailable('the coordination store is down', 'not-done');
      const result = answer();
      await scheduler.turn(process, `answer to ${what}`);
      return result;
    };

    const take = (resource: string, holder: string, row: LeaseRow | undefined): Lease => {
      const token = (row?.token ?? 0n) + 1n;
      put(leases, resource, { holder, token, beat: (row?.beat ?? 0) + 1 });
      onDisk();
      return { resource, holder, token };
    };

    return {
      acquire: (resource, holder, termMs) =>
        asked(`acquire ${resource}`, () => {
          const row = leases.get(resource);
          if (row === undefined || row.holder === null || row.holder === holder) return take(resource, holder, row);
          const watch = watches.get(resource);
          if (watch === undefined || watch.token !== row.token || watch.beat !== row.beat) {
            watches.set(resource, { beat: row.beat, token: row.token, sinceMs: scheduler.nowMs });
            return null;
          }
          if (scheduler.nowMs - watch.sinceMs < termMs) return null;
          watches.delete(resource);
          return take(resource, holder, row);
        }),
      renew: ({ resource, holder, token }) =>
        asked(`renew ${resource}`, () => {
          const row = leases.get(resource);
          if (row === undefined || row.holder !== holder || row.token !== token) return false;
          if (random.chance(weather().coordination.leaseLost)) {
            // another worker had it for a moment
            put(leases, resource, { holder: null, token: row.token + 1n, beat: row.beat + 1 });
            return false;
          }
          put(leases, resource, { ...row, beat: row.beat + 1 });
          return true;
        }),
      release: ({ resource, holder, token }) =>
        asked(`release ${resource}`, () => {
          const row = leases.get(resource);
          if (row?.holder === holder && row.token === token) put(leases, resource, { ...row, holder: null });
        }),
      releaseAll: async () => {
        for (const [resource, row] of leases) put(leases, resource, { ...row, holder: null });
      },
      beat: (service, at, report) =>
        asked(`beat of ${service}`, () => {
          put(beats, service, {
            service,
            beat: (beats.get(service)?.beat ?? 0) + 1,
            at,
            report: structuredClone(report),
          });
        }),
      forget: (service) => asked(`forget ${service}`, () => drop(beats, service)),
      heartbeats: () => asked('read the beats', () => [...beats.values()]),
      putWork: async (items) => {
        if (items.length === 0) return;
        await asked('put unfinished work', () => {
          for (const item of items) put(work, keyOf(item.kind, item.id), structuredClone(item));
          onDisk();
        });
      },
      removeWork: async (kind, ids) => {
        if (ids.length === 0) return;
        await asked('remove finished work', () => {
          for (const id of ids) drop(work, keyOf(kind, id));
        });
      },
      listWork: (kind) => asked('list unfinished work', () => [...work.values()].filter((one) => one.kind === kind)),
      feedCheckpoint: (feed) => asked(`checkpoint of feed ${feed}`, () => feeds.get(feed) ?? null),
      saveFeedCheckpoint: (feed, checkpoint) =>
        asked(`save the checkpoint of feed ${feed}`, () => put(feeds, feed, checkpoint)),
      close: async () => {},
    };
  };

  return {
    connect,
    work,
    losePower: () => {
      for (let count = random.between(0, undos.length); count > 0; count -= 1) undos.pop()?.();
      onDisk();
    },
  };
}
