import type { CommandHandler } from '../commands/handle.ts';
import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import { BYTES_PER_GIB } from '../domain/kernel/units.ts';
import type { LiveVolume } from '../domain/volume/state.ts';
import type { FoundObject } from '../drivers/storage/driver.ts';
import type { Clock } from '../ports/clock.ts';
import type { Document, ReadStore } from '../ports/read-store.ts';
import { type SnapshotDocument, snapshotsCollection } from '../projections/snapshots.ts';
import { type VolumeDocument, volumesCollection } from '../projections/volumes.ts';
import { backendHostOf, poolNameOf } from './backend.ts';
import type { Backends, BackendWorker, OperationsLogger } from './services.ts';

/**
 * `unknown`: lies on the backend and belongs to nothing that lives; `missing`: lives, and is not there; `smaller`: holds
 * less than its size. What is larger harms nobody: an extension that was stopped leaves it so.
 */
export type DriftKind = 'unknown' | 'missing' | 'smaller';

export const DRIFT_KINDS: readonly DriftKind[] = ['unknown', 'missing', 'smaller'];

export interface BackendDrift {
  /** `host@backend`. */
  readonly backend: string;
  /** Objects as `pool/name`, by what is wrong with them; empty where all is as the log says. */
  readonly objects: Readonly<Record<DriftKind, readonly string[]>>;
}

export interface DriftWatch {
  /** Begins to look, in the background. */
  start(): void;
  stop(): Promise<void>;
  /** What the last look found, backend by backend; one that was never looked at is not there. */
  found(): readonly BackendDrift[];
}

/** Until what was taken up at the start has most likely ended. */
const FIRST_LOOK_MS = 2_000;
/** What differs counts only where it still does so much later, once it was judged: what is being made or deleted does not. */
const SECOND_LOOK_MS = 2_000;
const LOOK_EVERY_MS = 300_000;
const PAGE = 500;
/** Suspects judged at once, each by reading a stream; the pause leaves nine tenths of the time to requests. */
const JUDGED_AT_ONCE = 20;
const PAUSE_MS = 20;
/** Objects of a kind that one line of the log names. */
const MOST_NAMED = 20;

type ObjectId = Pick<FoundObject, 'kind' | 'pool' | 'name'>;

/** What may differ; `there`: null where it is not. */
interface Suspect {
  readonly object: ObjectId;
  /** Whose it should be; null where only the object itself may tell. */
  readonly volumeId: string | null;
  readonly there: FoundObject | null;
}

type Suspects = ReadonlyMap<string, Suspect>;

/**
 * Compares what lies on the backends with what lives in the log, at the start and every few minutes: a disk that lost what it
 * said it had written, a log restored from an older backup, or somebody's hands in the backend. It reports (log, gauge) and
 * changes nothing. Read models say where to look; whether something differs is for the volume's own stream to say.
 */
export function createDriftWatch(deps: {
  readonly hosts: readonly string[];
  readonly backends: Backends;
  readonly readStore: ReadStore;
  readonly handler: CommandHandler;
  readonly clock: Clock;
  readonly logger: OperationsLogger;
}): DriftWatch {
  const { hosts, backends, readStore, handler, clock, logger } = deps;
  const stopping = new AbortController();
  const found = new Map<string, BackendDrift>();
  let loop: Promise<void> = Promise.resolve();

  const sleep = (ms: number): Promise<void> => clock.sleep(ms, stopping.signal).catch(() => undefined);

  async function* documents<D extends Document>(collection: string): AsyncGenerator<D> {
    for (let after: string | null = null; ; ) {
      const options = { sort: [], limit: PAGE, ...(after === null ? {} : { after: { id: after } }) };
      const page: readonly Document[] = await readStore.find(collection, options);
      for (const document of page) yield document as D;
      after = page.at(-1)?.id ?? null;
      if (page.length < PAGE || stopping.signal.aborted) return;
    }
  }

  /** Objects that should be there by their usual names, with the volumes they belong to. */
  const expected = async (
    host: string,
  ): Promise<Map<string, { object: ObjectId; volumeId: string; bytes: number }>> => {
    const objects = new Map<string, { object: ObjectId; volumeId: string; bytes: number }>();
    const pools = new Map<string, string>();
    const add = (object: ObjectId, volumeId: string, sizeGiB: number): void => {
      objects.set(keyOf(object), { object, volumeId, bytes: sizeGiB * BYTES_PER_GIB });
    };
    for await (const { id, host: at, sizeGiB } of documents<VolumeDocument>(volumesCollection.name)) {
      if (at === null || backendHostOf(at) !== host) continue;
      pools.set(id, poolNameOf(at));
      add({ kind: 'volume', pool: poolNameOf(at), name: `volume-${id}` }, id, sizeGiB);
    }
    for await (const { id, volumeId, sizeGiB } of documents<SnapshotDocument>(snapshotsCollection.name)) {
      const pool = pools.get(volumeId);
      if (pool !== undefined) add({ kind: 'snapshot', pool, name: `snapshot-${id}` }, volumeId, sizeGiB);
    }
    return objects;
  };

  const suspects = async ({ host, driver }: BackendWorker): Promise<Suspects> => {
    const listed = new Map<string, FoundObject>();
    for await (const object of driver.list()) listed.set(keyOf(object), object);
    const differing = new Map<string, Suspect>();
    const wanted = await expected(host);
    for (const [key, { object, volumeId, bytes }] of wanted) {
      const there = listed.get(key) ?? null;
      if (there === null || there.sizeBytes < bytes) differing.set(key, { object, volumeId, there });
    }
    for (const [key, object] of listed)
      if (!wanted.has(key)) differing.set(key, { object, volumeId: null, there: object });
    return differing;
  };

  /** What the log says of a suspect; null: it is as it should be, or an operation works on it. */
  const judge = async (host: string, { object, volumeId, there }: Suspect): Promise<DriftKind | null> => {
    const owner = volumeId ?? (await volumeIdOf(object));
    const volume = owner === null ? null : (await handler.load(volumeAggregate, volumeStream(owner))).state.volume;
    if (volume === null || volume.deleted) return there === null ? null : 'unknown';
    if (volume.owner !== null) return null;
    const must = livingAs(volume, host, object);
    if (must === 'busy') return null;
    if (must === null) return there === null ? null : 'unknown';
    if (there === null) return must.mayBeGone ? null : 'missing';
    return there.sizeBytes < must.bytes ? 'smaller' : null;
  };

  const volumeIdOf = async ({ kind, name }: ObjectId): Promise<string | null> => {
    const id = name.slice(name.indexOf('-') + 1);
    if (kind === 'volume') return id;
    const snapshot = (await readStore.get(snapshotsCollection.name, id)) as SnapshotDocument | null;
    return snapshot?.volumeId ?? null;
  };

  const look = async (worker: BackendWorker): Promise<void> => {
    const objects: Record<DriftKind, string[]> = { unknown: [], missing: [], smaller: [] };
    const differing = await suspects(worker);
    if (differing.size > 0) {
      await sleep(SECOND_LOOK_MS);
      const kinds = await judgeAll(worker.host, differing);
      const still = kinds.size === 0 ? differing : await suspects(worker);
      for (const [key, kind] of kinds) {
        const suspect = still.get(key);
        if (suspect !== undefined) objects[kind].push(`${suspect.object.pool}/${suspect.object.name}`);
      }
    }
    if (!stopping.signal.aborted) report({ backend: worker.host, objects });
  };

  /** Of a backend that is lost altogether there are as many suspects as it had objects: judging them takes its time. */
  const judgeAll = async (host: string, differing: Suspects): Promise<ReadonlyMap<string, DriftKind>> => {
    const kinds = new Map<string, DriftKind>();
    let judged = 0;
    for (const [key, suspect] of differing) {
      if (judged % JUDGED_AT_ONCE === 0) await sleep(PAUSE_MS);
      if (stopping.signal.aborted) break;
      judged += 1;
      const kind = await judge(host, suspect);
      if (kind !== null) kinds.set(key, kind);
    }
    return kinds;
  };

  const report = (drift: BackendDrift): void => {
    const before = found.get(drift.backend);
    found.set(drift.backend, drift);
    if (JSON.stringify(before?.objects) === JSON.stringify(drift.objects)) return;
    const named = DRIFT_KINDS.filter((kind) => drift.objects[kind].length > 0).map((kind) => {
      const all = drift.objects[kind];
      return [kind, { count: all.length, objects: all.slice(0, MOST_NAMED) }] as const;
    });
    if (named.length > 0)
      logger.warn(
        { backend: drift.backend, ...Object.fromEntries(named) },
        'backend differs from the log: nothing is changed, an operator must look',
      );
    else if (before !== undefined) logger.info({ backend: drift.backend }, 'backend is as the log says again');
  };

  const run = async (): Promise<void> => {
    await sleep(FIRST_LOOK_MS);
    while (!stopping.signal.aborted) {
      for (const host of hosts) {
        const worker = backends.forPool(`${host}#`);
        if (worker === null || stopping.signal.aborted) continue;
        await look(worker).catch((error) =>
          logger.warn({ backend: host, err: error }, 'backend cannot be compared with the log now'),
        );
      }
      await sleep(LOOK_EVERY_MS);
    }
  };

  return {
    start: () => {
      loop = run();
    },
    stop: async () => {
      stopping.abort();
      await loop;
    },
    found: () => [...found.values()],
  };
}

const keyOf = ({ kind, pool, name }: ObjectId): string => `${kind} ${pool} ${name}`;

/** How an object lives in a volume's stream: null where it does not, `busy` where an operation works on it. */
function livingAs(
  volume: LiveVolume,
  host: string,
  { kind, pool, name }: ObjectId,
): { readonly bytes: number; readonly mayBeGone: boolean } | 'busy' | null {
  if (volume.pool === null || backendHostOf(volume.pool) !== host || poolNameOf(volume.pool) !== pool) return null;
  const parts = kind === 'volume' ? [volume] : Object.values(volume.snapshots);
  const part = parts.find(({ id, backendName }) => (backendName ?? `${kind}-${id}`) === name);
  if (part === undefined) return null;
  if (part.owner !== null) return 'busy';
  if (part.backendName === null) return null;
  // a deletion that failed may have got as far as the object
  const mayBeGone = volume.status === 'error_deleting' || part.status === 'error_deleting';
  return { bytes: part.sizeGiB * BYTES_PER_GIB, mayBeGone };
}
