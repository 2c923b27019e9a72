import { volumeIdOfStream } from '../../src/commands/streams.ts';
import type { LiveVolume, Snapshot } from '../../src/domain/volume/state.ts';
import type { RecordedEvent } from '../../src/ports/event-store.ts';
import { createLogView, type LogView, type Violation } from '../crash/log-view.ts';
import type { Effect, SimulatedBackend, StoredObject } from './storage-backend.ts';

/** Who sees everything as it happens, and says at once what must never be. */
export interface Observer {
  readonly log: LogView;
  appended(events: readonly RecordedEvent[]): void;
  effect(effect: Effect): void;
  breach(what: string): void;
  readonly breaches: readonly Violation[];
  /** Commands that left an event in a volume's stream. */
  readonly commandIds: ReadonlySet<string>;
  /** Whether nobody can know any more if an object of this name is on a backend. */
  mayBeGone(name: string): boolean;
  /** Volumes and snapshots whose status an administrator set: what is shown of them need not be so. */
  readonly overridden: ReadonlySet<string>;
  /** Whether an extension of this volume failed: the backend may have grown it all the same. */
  mayBeLarger(volumeId: string): boolean;
}

/** Statuses of which a client may expect that the data is there. */
const USABLE = new Set(['available', 'in-use', 'attaching', 'detaching', 'reserved', 'awaiting-transfer', 'reverting']);
const USABLE_SNAPSHOT = new Set(['available', 'restoring']);

export function createObserver(backends: () => readonly SimulatedBackend[]): Observer {
  const log = createLogView();
  const breaches: Violation[] = [];
  const commandIds = new Set<string>();
  const overridden = new Set<string>();
  /** Extensions asked for and extensions done, by volume. */
  const extensions = new Map<string, { asked: number; done: number }>();
  const builtGiB = new Map<string, number>();
  /** An operator gave up what could not be undone: what is left on a backend is claimed no more. */
  let abandoned = false;
  let position = -1n;

  const breach = (what: string, ...streams: readonly string[]): void => {
    breaches.push({ what: `${what} (after position ${position})`, streams });
  };

  const noteOverrides = ({ type, data }: RecordedEvent): void => {
    const { volumeId, snapshotId, status } = data as Partial<Record<string, string>>;
    if (type === 'VolumeStatusReset' && status !== undefined && volumeId !== undefined) overridden.add(volumeId);
    if (type === 'SnapshotStatusReset' && snapshotId !== undefined) overridden.add(snapshotId);
    const count = extensions.get(volumeId ?? '') ?? { asked: 0, done: 0 };
    if (type === 'VolumeExtensionRequested') extensions.set(volumeId ?? '', { ...count, asked: count.asked + 1 });
    if (type === 'VolumeExtended') extensions.set(volumeId ?? '', { ...count, done: count.done + 1 });
  };

  /** Attaching or detaching shows a volume as in use or available, also one in error: as the original does. */
  const noteMisleading = ({ type, data }: RecordedEvent): void => {
    const { volumeId = '' } = data as { volumeId?: string };
    if (
      ['VolumeAttached', 'VolumeDetached'].includes(type) &&
      log.volumes.get(volumeId)?.volume?.status.startsWith('error')
    )
      overridden.add(volumeId);
  };

  /** A pool is never promised beyond its capacity, and what lies on it is always claimed. */
  const checkPool = (pool: string): void => {
    const ledger = log.pools.get(pool);
    const [host = '', name = ''] = pool.slice(pool.indexOf('@') + 1).split('#');
    const backend = backends().find((one) => one.host === host);
    if (ledger === undefined || backend === undefined) return;
    const promised = ledger.volumesGiB + ledger.snapshotsGiB;
    const capacity = backend.pools[name] ?? 0;
    if (promised > capacity) breach(`${promised} GiB of the ${capacity} GiB of pool ${pool} are promised`);
    let there = 0;
    for (const object of backend.objects.values()) if (object.pool === name) there += builtGiB.get(object.name) ?? 0;
    if (there > promised && !abandoned)
      breach(`${there} GiB lie on pool ${pool}, and ${promised} GiB are claimed`, `pool-${pool}`);
  };

  const volumeOf = ({ kind, name, volumeName }: StoredObject): LiveVolume | null => {
    const volumeId = (kind === 'volume' ? name : (volumeName ?? '')).slice('volume-'.length);
    const volume = log.volumes.get(volumeId)?.volume ?? null;
    return volume === null || volume.deleted ? null : volume;
  };

  const checkDeletion = (object: StoredObject): void => {
    const volume = volumeOf(object);
    if (volume === null) return;
    const of: LiveVolume | Snapshot | undefined =
      object.kind === 'volume' ? volume : volume.snapshots[object.name.slice('snapshot-'.length)];
    if (of === undefined || of.backendName !== object.name || overridden.has(of.id)) return;
    const usable = (object.kind === 'volume' ? USABLE : USABLE_SNAPSHOT).has(of.status);
    if (usable) breach(`${object.name} is deleted on the backend while it is ${of.status}`, `volume-${volume.id}`);
  };

  return {
    log,
    appended: (events) => {
      for (const event of events) {
        position = event.position;
        noteMisleading(event);
        log.apply(event);
        if (volumeIdOfStream(event.stream) !== null) {
          commandIds.add(event.metadata.commandId);
          noteOverrides(event);
        } else if (event.type === 'OperationResumed') {
          if ((event.data as { action: string }).action === 'abandon') abandoned = true;
        } else if (event.stream.startsWith('pool-')) checkPool((event.data as { pool: string }).pool);
      }
    },
    effect: ({ what, object }) => {
      if (what === 'create') builtGiB.set(object.name, object.sizeGiB);
      if (what === 'delete') checkDeletion(object);
      if (what === 'create') {
        const backend = backends().find(({ objects }) => objects.get(object.name) === object);
        if (backend !== undefined) checkPool(`node@${backend.host}#${object.pool}`);
      }
    },
    breach,
    mayBeGone: (name) => overridden.has(name.slice(name.indexOf('-') + 1)),
    get breaches() {
      return [...breaches, ...log.breaches];
    },
    commandIds,
    overridden,
    mayBeLarger: (volumeId) => {
      const { asked, done } = extensions.get(volumeId) ?? { asked: 0, done: 0 };
      return asked > done;
    },
  };
}
