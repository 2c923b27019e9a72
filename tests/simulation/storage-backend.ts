import type { BackendObject, BackendStats, CallContext, StorageDriver } from '../../src/drivers/storage/driver.ts';
import { DriverError } from '../../src/drivers/storage/driver.ts';
import type { Scheduler, SimProcess } from './scheduler.ts';
import type { DriverWeather, Weather } from './weather.ts';

/** Something that lies on a backend, complete. */
export interface StoredObject {
  readonly kind: 'volume' | 'snapshot';
  readonly name: string;
  readonly pool: string;
  readonly sizeGiB: number;
  /** Of a snapshot: the volume it was taken of. */
  readonly volumeName: string | null;
}

/** What a driver did to the world, as soon as it is done. */
export interface Effect {
  readonly what: 'create' | 'delete' | 'extend' | 'revert';
  readonly object: StoredObject;
}

export interface SimulatedBackend {
  readonly host: string;
  readonly pools: Readonly<Record<string, number>>;
  connect(process: SimProcess): StorageDriver;
  readonly objects: ReadonlyMap<string, StoredObject>;
}

type Outcome = keyof DriverWeather | 'good';

const HANG_MS = 60_000;
const DEAF_MS = 40_000;
const SLOW_MS = 5_000;
const BROKEN_MS = 60_000;
/** How much longer than a store a backend takes. */
const SLOWER = 5;

/** A backend that survives every process; whoever is connected to it calls it through a driver. `breach`: what must never be. */
export function createSimulatedBackend(options: {
  readonly host: string;
  /** Capacity in GiB by pool. */
  readonly pools: Readonly<Record<string, number>>;
  readonly scheduler: Scheduler;
  readonly weather: () => Weather;
  readonly onEffect: (effect: Effect) => void;
  readonly breach: (what: string) => void;
  /** Whether nobody can know any more if this object is there. */
  readonly mayBeGone: (object: string) => boolean;
}): SimulatedBackend {
  const { host, pools, scheduler, weather, onEffect, breach, mayBeGone } = options;
  const { random } = scheduler;
  const objects = new Map<string, StoredObject>();
  const busyWith = new Map<string, { readonly process: SimProcess; readonly what: string; readonly token: bigint }>();
  let token = 0n;
  let brokenUntilMs = 0;

  const outcomeOf = (deletes: boolean): Outcome => {
    const broken = scheduler.nowMs < brokenUntilMs && weather().driver.breaksDown > 0;
    if (broken) return random.chance(0.5) ? 'terminal' : 'retryable';
    const { busy, setUpFails: _, ...rest } = weather().driver;
    const odds = Object.entries(deletes ? { ...rest, busy } : rest) as [Outcome, number][];
    const bad = odds.reduce((sum, [, probability]) => sum + probability, 0);
    return random.weighted([[Math.max(0, 1 - bad), 'good'], ...odds.map(([outcome, p]) => [p, outcome] as const)]);
  };

  const stats = (): BackendStats => ({
    backendName: host,
    vendorName: 'Simulated',
    driverVersion: '1',
    storageProtocol: 'local',
    pools: Object.entries(pools).map(([pool, totalCapacityGiB]) => ({
      pool,
      totalCapacityGiB,
      freeCapacityGiB: totalCapacityGiB - usedOf(pool),
      reservedPercentage: 0,
      thinProvisioning: false,
      thickProvisioning: true,
      maxOverSubscriptionRatio: 1,
      multiattach: true,
      capabilities: {},
      filterFunction: null,
      goodnessFunction: null,
    })),
  });

  const usedOf = (pool: string): number =>
    [...objects.values()].reduce((sum, object) => sum + (object.pool === pool ? object.sizeGiB : 0), 0);

  const done = (what: Effect['what'], object: StoredObject): void => {
    if (what === 'delete') objects.delete(object.name);
    else objects.set(object.name, object);
    onEffect({ what, object });
  };

  const checkToken = (context: CallContext): void => {
    if (context.fencingToken < token) throw new DriverError('another worker has taken over', { fenced: true });
  };

  const connect = (process: SimProcess): StorageDriver => {
    const act = async <T>(
      what: string,
      touched: readonly string[],
      context: CallContext,
      effect: () => T,
      deletes = false,
    ): Promise<T> => {
      context.signal.throwIfAborted();
      checkToken(context);
      for (const name of touched) {
        const other = busyWith.get(name);
        // a call of a process that died, or that was fenced off, does nothing any more
        if (other?.process.alive && other.token === context.fencingToken)
          breach(`${what} begins while ${other.what} is under way`);
      }
      const mine = { process, what, token: context.fencingToken };
      for (const name of touched) busyWith.set(name, mine);
      try {
        const outcome = outcomeOf(deletes);
        const gone = touched.every((name) => !objects.has(name));
        return await carryOut(what, outcome === 'busy' && gone ? 'good' : outcome, context, effect);
      } finally {
        for (const name of touched) if (busyWith.get(name) === mine) busyWith.delete(name);
      }
    };

    const carryOut = async <T>(what: string, outcome: Outcome, context: CallContext, effect: () => T): Promise<T> => {
      const { signal } = context;
      if (outcome === 'deaf') await scheduler.turn(process, `${what} (does not listen)`, { delayMs: DEAF_MS });
      else if (outcome === 'hangs') await scheduler.turn(process, `${what} (hangs)`, { delayMs: HANG_MS, signal });
      else if (outcome === 'slow')
        await scheduler.turn(process, `${what} (slow)`, { delayMs: random.between(0, SLOW_MS), signal });
      else await scheduler.turn(process, what, { delayMs: scheduler.pace.latencyMs(random) * SLOWER, signal });
      checkToken(context);
      if (outcome === 'busy') throw new DriverError(`${what}: it is in use`, { busy: true });
      if (outcome === 'breaksDown') brokenUntilMs = scheduler.nowMs + random.between(1_000, BROKEN_MS);
      if (outcome === 'breaksDown') throw new DriverError(`${what}: the backend broke down`);
      if (outcome === 'retryable') throw new DriverError(`${what}: not now`, { retryable: true });
      if (outcome === 'terminal') throw new DriverError(`${what}: the disk is broken`);
      const result = effect();
      if (outcome !== 'deaf') await scheduler.turn(process, `answer to ${what}`, { signal });
      if (outcome === 'doneButTimedOut') throw new DriverError(`${what}: timed out`, { retryable: true });
      return result;
    };

    const need = (name: string, what: string): StoredObject => {
      const object = objects.get(name);
      if (object !== undefined) return object;
      if (!mayBeGone(name)) breach(`${what}, and ${name} is not there`);
      throw new DriverError(`${name} is not there`);
    };

    const make = (object: StoredObject): BackendObject => {
      if (!objects.has(object.name)) done('create', object);
      return { backendName: object.name, providerId: null };
    };

    const remove = (name: string): void => {
      const object = objects.get(name);
      if (object === undefined) return;
      const left = [...objects.values()].find(({ volumeName }) => volumeName === name);
      if (left !== undefined) breach(`${name} is deleted before its snapshot ${left.name}`);
      done('delete', object);
    };

    const unused = async (): Promise<never> => {
      throw new Error('the simulation does not use this call');
    };

    return {
      canFence: true,
      setUp: async () => {
        await scheduler.turn(process, `set up ${host}`);
        if (random.chance(weather().driver.setUpFails)) throw new DriverError(`${host} is not mounted`);
      },
      takeOver: async (context) => {
        await scheduler.turn(process, `take over ${host}`);
        checkToken(context);
        token = context.fencingToken;
      },
      stats: async () => {
        await scheduler.turn(process, `measure ${host}`);
        return stats();
      },
      createVolume: ({ name, pool, sizeGiB }, context) =>
        act(`create ${name}`, [name], context, () => make({ kind: 'volume', name, pool, sizeGiB, volumeName: null })),
      createVolumeFromSnapshot: ({ name, pool, sizeGiB }, snapshot, context) =>
        act(`create ${name} from ${snapshot.name}`, [name], context, () => {
          if (!objects.has(name)) need(snapshot.name, `create ${name} from ${snapshot.name}`);
          return make({ kind: 'volume', name, pool, sizeGiB, volumeName: null });
        }),
      createClonedVolume: ({ name, pool, sizeGiB }, source, context) =>
        act(`clone ${source.name} as ${name}`, [name], context, () => {
          if (!objects.has(name)) need(source.name, `clone ${source.name} as ${name}`);
          return make({ kind: 'volume', name, pool, sizeGiB, volumeName: null });
        }),
      deleteVolume: ({ name }, context) => act(`delete ${name}`, [name], context, () => remove(name), true),
      extendVolume: ({ name }, newSizeGiB, context) =>
        act(`extend ${name} to ${newSizeGiB} GiB`, [name], context, () => {
          const object = need(name, `extend ${name}`);
          if (object.sizeGiB < newSizeGiB) done('extend', { ...object, sizeGiB: newSizeGiB });
        }),
      createSnapshot: ({ name, pool, sizeGiB, volumeName }, context) =>
        act(`take ${name} of ${volumeName}`, [name], context, () => {
          if (!objects.has(name)) need(volumeName, `take ${name} of ${volumeName}`);
          return make({ kind: 'snapshot', name, pool, sizeGiB, volumeName });
        }),
      deleteSnapshot: ({ name }, context) => act(`delete ${name}`, [name], context, () => remove(name), true),
      revertToSnapshot: (volume, snapshot, context) =>
        act(`revert ${volume.name} to ${snapshot.name}`, [volume.name, snapshot.name], context, () => {
          need(snapshot.name, `revert ${volume.name}`);
          onEffect({ what: 'revert', object: need(volume.name, `revert ${volume.name}`) });
        }),
      createExport: unused,
      ensureExport: unused,
      removeExport: ({ name }, context) => act(`remove the export of ${name}`, [], context, () => undefined),
      initializeConnection: unused,
      terminateConnection: unused,
      attachVolume: unused,
      detachVolume: unused,
      copyImageToVolume: unused,
      copyVolumeToImage: () => {
        throw new Error('the simulation does not use this call');
      },
      cloneImage: unused,
      backupVolume: () => {
        throw new Error('the simulation does not use this call');
      },
      restoreBackup: unused,
      migrateVolume: unused,
      retypeVolume: unused,
      manageVolume: unused,
      manageVolumeSize: unused,
      unmanageVolume: unused,
      list: async function* () {
        for (const { kind, name, pool, sizeGiB } of objects.values())
          yield { kind, name, pool, sizeBytes: sizeGiB * 1024 ** 3 };
      },
    };
  };

  return { host, pools, connect, objects };
}
