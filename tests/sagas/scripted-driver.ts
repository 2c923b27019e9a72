import { DriverError, type StorageDriver } from '../../src/drivers/storage/driver.ts';

/**
 * How one call comes out. `hangs`: until it is told to stop; `deaf`: until the test lets it go, whatever it is told;
 * `held`: it does its work when the test lets it go, and listens meanwhile.
 */
export type CallOutcome =
  | 'good'
  | 'retryable'
  | 'terminal'
  | 'busy'
  | 'fenced'
  | 'doneButTimedOut'
  | 'hangs'
  | 'deaf'
  | 'held';

type Scripted =
  | 'createVolume'
  | 'createVolumeFromSnapshot'
  | 'createClonedVolume'
  | 'deleteVolume'
  | 'extendVolume'
  | 'createSnapshot'
  | 'deleteSnapshot'
  | 'revertToSnapshot';

export interface ScriptedDriver extends StorageDriver {
  /** Outcomes of the coming calls of one kind, in order; after them everything goes well. */
  script(call: Scripted, ...outcomes: readonly CallOutcome[]): void;
  /** Lets calls go that are held or deaf. */
  release(): void;
  /** `createVolume volume-<id> 2 GiB`, in the order in which they came. */
  readonly calls: readonly string[];
  /** What lies on the backend, with its size in GiB. */
  readonly objects: ReadonlyMap<string, number>;
}

/** A backend of a few objects whose calls come out as a test wants; it makes sure that none overlap on one object. */
export function createScriptedDriver(): ScriptedDriver {
  const scripts = new Map<Scripted, CallOutcome[]>();
  const calls: string[] = [];
  const objects = new Map<string, number>();
  const underWay = new Set<string>();
  let gate = Promise.withResolvers<void>();

  const aborted = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });

  const act = async <T>(
    call: Scripted,
    name: string,
    what: string,
    { signal }: { readonly signal: AbortSignal },
    effect: () => T,
  ): Promise<T> => {
    const outcome = scripts.get(call)?.shift() ?? 'good';
    calls.push(what === '' ? `${call} ${name}` : `${call} ${name} ${what}`);
    if (underWay.has(name)) throw new Error(`${call} ${name} begins while another call on it is under way`);
    underWay.add(name);
    try {
      if (outcome === 'hangs') await aborted(signal);
      if (outcome === 'held') await Promise.race([gate.promise, aborted(signal)]);
      if (outcome === 'deaf') await gate.promise;
      if (outcome === 'retryable') throw new DriverError('not now', { retryable: true });
      if (outcome === 'terminal') throw new DriverError('the disk is broken');
      if (outcome === 'busy') throw new DriverError('it is in use', { busy: true });
      if (outcome === 'fenced') throw new DriverError('another worker has taken over', { fenced: true });
      const result = effect();
      if (outcome === 'doneButTimedOut') throw new DriverError('timed out', { retryable: true });
      return result;
    } finally {
      underWay.delete(name);
    }
  };

  const make = (name: string, sizeGiB: number) => {
    if (!objects.has(name)) objects.set(name, sizeGiB);
    return { backendName: name, providerId: null };
  };
  const need = (name: string): void => {
    if (!objects.has(name)) throw new DriverError(`${name} is not there`);
  };
  const unused = async (): Promise<never> => {
    throw new Error('no operation of these tests makes this call');
  };
  const unusedStream = (): never => {
    throw new Error('no operation of these tests makes this call');
  };

  return {
    script: (call, ...outcomes) => scripts.set(call, [...(scripts.get(call) ?? []), ...outcomes]),
    release: () => {
      gate.resolve();
      gate = Promise.withResolvers<void>();
    },
    calls,
    objects,
    canFence: true,
    setUp: async () => undefined,
    takeOver: async () => undefined,
    stats: unused,
    createVolume: ({ name, sizeGiB }, context) =>
      act('createVolume', name, `${sizeGiB} GiB`, context, () => make(name, sizeGiB)),
    createVolumeFromSnapshot: ({ name, sizeGiB }, snapshot, context) =>
      act('createVolumeFromSnapshot', name, `from ${snapshot.name}`, context, () => {
        need(snapshot.name);
        return make(name, sizeGiB);
      }),
    createClonedVolume: ({ name, sizeGiB }, source, context) =>
      act('createClonedVolume', name, `from ${source.name}`, context, () => {
        need(source.name);
        return make(name, sizeGiB);
      }),
    deleteVolume: ({ name }, context) => act('deleteVolume', name, '', context, () => void objects.delete(name)),
    extendVolume: ({ name }, newSizeGiB, context) =>
      act('extendVolume', name, `to ${newSizeGiB} GiB`, context, () => {
        need(name);
        objects.set(name, newSizeGiB);
      }),
    createSnapshot: ({ name, volumeName, sizeGiB }, context) =>
      act('createSnapshot', name, `of ${volumeName}`, context, () => {
        need(volumeName);
        return make(name, sizeGiB);
      }),
    deleteSnapshot: ({ name }, context) => act('deleteSnapshot', name, '', context, () => void objects.delete(name)),
    revertToSnapshot: (volume, snapshot, context) =>
      act('revertToSnapshot', volume.name, `to ${snapshot.name}`, context, () => need(snapshot.name)),
    createExport: unused,
    ensureExport: unused,
    removeExport: async () => undefined,
    initializeConnection: unused,
    terminateConnection: unused,
    attachVolume: unused,
    detachVolume: unused,
    copyImageToVolume: unused,
    copyVolumeToImage: unusedStream,
    cloneImage: unused,
    backupVolume: unusedStream,
    restoreBackup: unused,
    migrateVolume: unused,
    retypeVolume: unused,
    manageVolume: unused,
    manageVolumeSize: unused,
    unmanageVolume: unused,
    list: async function* () {},
  };
}
