import type { Clock } from '../ports/clock.ts';
import type { EventStore, Position, RecordedEvent } from '../ports/event-store.ts';
import type { ReadStore } from '../ports/read-store.ts';
import { type Batch, batchesOf } from './batches.ts';
import { catchUp, earliest } from './catch-up.ts';
import { createFold, type Fold, type FoldLogger, readEvent } from './fold.ts';
import { openCollection } from './opening.ts';
import type { Projection } from './projection.ts';
import {
  type LiveFolds,
  type Rebuilder,
  type RebuildOptions,
  type RebuildProgress,
  type RebuildResult,
  rebuildCollections,
} from './rebuild.ts';
import { openStaleDocuments, type StaleDocument, type StaleDocuments } from './stale-documents.ts';
import { liveVersionOf } from './versions.ts';
import { createWaiting } from './waiting.ts';

export interface ProjectionRunnerOptions {
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly projections: readonly Projection[];
  /** Lifts an event to its current schema version; throws UnreadableEvent (catalogue.ts). */
  readonly decode: (event: RecordedEvent) => RecordedEvent;
  readonly logger: FoldLogger;
  readonly clock: Clock;
  /** Events folded in memory before anything is written: while following the log, and while rebuilding. */
  readonly batchSize?: number;
  readonly rebuildBatchSize?: number;
  /** False: collections that cannot be trusted are left as they are; somebody will ask for their rebuild. */
  readonly rebuildsUnasked?: boolean;
  /** Told how far every read model that follows the log is, whenever they have gone further. */
  readonly onReached?: (position: Position) => void;
  /** Where other processes may write these read models: told that one does. Then this runner is to be abandoned. */
  readonly onOvertaken?: () => void;
  /** Where other processes may write them: false when this one must switch no version any more. */
  readonly isWriter?: () => boolean;
}

export interface ProjectionStatus {
  readonly name: string;
  /** The live version; null where there is none that follows the log. */
  readonly version: number | null;
  readonly position: Position | null;
  /** Positions between it and the end of the log as far as that is known; 0: up to date. */
  readonly lag: number;
  /** Documents that an event could not be folded into, and which stay as they were. */
  readonly stale: readonly StaleDocument[];
  /** Why it follows the log no more, or not yet. */
  readonly stopped: string | null;
  readonly rebuild: RebuildProgress | null;
}

/** Keeps the read models up to date with the log. */
export interface ProjectionRunner {
  /** Opens the collections and begins to follow the log; collections that cannot be trusted are rebuilt meanwhile. */
  start(): Promise<void>;
  /**
   * Resolves as soon as every read model has applied all events up to `position`: true, or false where that takes
   * longer than `timeoutMs` or a stopped one will never have them (the others have, by then).
   */
  waitFor(position: Position, timeoutMs: number): Promise<boolean>;
  status(): readonly ProjectionStatus[];
  /** Rebuilds collections beside the live ones while those go on; throws where one is unknown or being rebuilt. */
  rebuild(names: readonly string[], options?: RebuildOptions): Promise<readonly RebuildResult[]>;
  /** False: somebody else has switched a read model to another version than is followed here. */
  followsLive(): Promise<boolean>;
  /** Resolves once what was applied is stored; `abandon`: nothing more is stored, somebody else does. */
  stop(options?: { readonly abandon: boolean }): Promise<void>;
}

const BATCH_SIZE = 500;
/** So many at once: more are on their way, and are waited for a moment, since together they cost less to write. */
const BUSY_EVENTS = 12;
const GATHER_MS = 5;
/** Measured (bench/rebuild.ts): larger ones lose more to garbage collection than they save in writes. */
const REBUILD_BATCH_SIZE = 2_000;
const LIVE_CACHE = 500;
const REBUILD_CACHE = 5_000;
/** Collections that nothing was written to still store how far they are, this seldom. */
const CHECKPOINT_EVERY_EVENTS = 1_000;
const RESTART_DELAY_MS = 500;
/** A read store that is away does not keep the process: what it does not have is folded again. */
const STOP_WITHIN_MS = 5_000;

export function createProjectionRunner(options: ProjectionRunnerOptions): ProjectionRunner {
  const { eventStore, readStore, projections, decode, logger, clock } = options;
  const rebuildBatchSize = options.rebuildBatchSize ?? REBUILD_BATCH_SIZE;
  /** Aborted first: no more is read; what was read is still stored. */
  const reading = new AbortController();
  const stopping = new AbortController();
  const { signal } = stopping;
  const waiting = createWaiting(clock);
  const folds = new Map<string, Fold>();
  /** Why a collection has no fold. */
  const missing = new Map<string, string>();
  const rebuilds = new Map<string, RebuildProgress>();
  const background = new Set<Promise<unknown>>();
  /** Collections that are filled from nothing and have no indexes yet. */
  const unindexed: Fold[] = [];
  let stale: StaleDocuments | null = null;
  let edge: Position | null = null;
  let knownHead: Position | null = null;
  let sinceCheckpoints = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** Batches and the last step of a rebuild never overlap. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };

  const openedStale = (): StaleDocuments => {
    if (stale === null) throw new Error('the projection runner was not started');
    return stale;
  };

  const makeFold = async (projection: Projection, version: number, cachedDocuments: number): Promise<Fold> => {
    const checkpoint = await readStore.checkpoint(projection.collection.name, version);
    const common = { readStore, projection, version, checkpoint, logger, clock, signal, cachedDocuments };
    const { onOvertaken } = options;
    return createFold({ ...common, stale: openedStale(), ...(onOvertaken === undefined ? {} : { onOvertaken }) });
  };

  const running = (): readonly Fold[] => [...folds.values()].filter(({ stopped }) => stopped === null);

  const noteHead = (position: Position): void => {
    if (knownHead === null || position > knownHead) knownHead = position;
  };

  const reach = (position: Position): void => {
    edge = position;
    noteHead(position);
    waiting.reached(position);
    options.onReached?.(position);
  };

  const storeCheckpoints = async (): Promise<void> => {
    sinceCheckpoints = 0;
    await Promise.all([...folds.values()].map((fold) => fold.saveCheckpoint()));
  };

  const applyBatch = async ({ events, caughtUpAt }: Batch): Promise<void> => {
    const last = events.at(-1);
    if (last !== undefined) {
      const read = events.map((event) => readEvent(decode, event));
      const end = { position: last.position, eventId: last.id };
      await Promise.all([...folds.values()].map((fold) => fold.apply(read, end)));
      sinceCheckpoints += events.length;
    }
    if (signal.aborted) return;
    const position = caughtUpAt ?? last?.position;
    if (position !== undefined) reach(position);
    if (sinceCheckpoints >= CHECKPOINT_EVERY_EVENTS) await storeCheckpoints();
  };

  const makeIndexes = async (): Promise<void> => {
    const specs = unindexed.map(({ projection, version }) => ({ ...projection.collection, version }));
    await Promise.all(specs.map((spec) => readStore.ensure(spec)));
    unindexed.length = 0;
  };

  /** What lies behind at the start goes at full speed. */
  const fillUp = async (): Promise<void> => {
    const until = await eventStore.head();
    if (until === null) return makeIndexes();
    noteHead(until);
    const onBatch = (position: Position, count: number): void => {
      sinceCheckpoints += count;
      noteHead(position);
    };
    const { signal: readSignal } = reading;
    await catchUp({
      eventStore,
      decode,
      folds: running(),
      until,
      batchSize: rebuildBatchSize,
      signal: readSignal,
      onBatch,
    });
    if (readSignal.aborted) return;
    await makeIndexes();
    if (sinceCheckpoints >= CHECKPOINT_EVERY_EVENTS) await storeCheckpoints();
    reach(until);
  };

  const follow = async (): Promise<void> => {
    while (!reading.signal.aborted) {
      try {
        await inTurn(fillUp);
        const after = edge ?? earliest(running().map(({ through }) => through));
        const deliveries = eventStore.subscribe({ after, signal: reading.signal });
        for await (const batch of batchesOf(deliveries, options.batchSize ?? BATCH_SIZE)) {
          await inTurn(() => applyBatch(batch));
          if (batch.caughtUpAt !== null && batch.events.length >= BUSY_EVENTS)
            await clock.sleep(GATHER_MS, reading.signal);
        }
      } catch (error) {
        if (!reading.signal.aborted) logger.error({ err: error }, 'the projections lost the log and begin again');
      }
      await clock.sleep(RESTART_DELAY_MS, reading.signal).catch(() => undefined);
    }
  };

  /** Whether the collection is to be rebuilt. */
  const open = async (projection: Projection): Promise<boolean> => {
    const { name } = projection.collection;
    const opened = await openCollection({ eventStore, readStore }, projection);
    if (opened.kind === 'follow') {
      const fold = await makeFold(projection, opened.version, LIVE_CACHE);
      folds.set(name, fold);
      if (opened.checkpoint === null) unindexed.push(fold);
      return false;
    }
    missing.set(name, opened.reason);
    const fields = {
      collection: name,
      reason: opened.reason,
      rebuilding: opened.mend && options.rebuildsUnasked !== false,
    };
    logger.error(fields, 'read model cannot be gone on with');
    return opened.mend;
  };

  const live: LiveFolds = {
    edge: () => (folds.size === 0 ? null : edge),
    exclusively: inTurn,
    foldOf: (name) => folds.get(name) ?? null,
    replace: async (projection, version) => {
      folds.set(projection.collection.name, await makeFold(projection, version, LIVE_CACHE));
      missing.delete(projection.collection.name);
    },
  };

  const rebuild = async (
    names: readonly string[],
    rebuildOptions: RebuildOptions = {},
  ): Promise<readonly RebuildResult[]> => {
    const chosen = names.map((name) => {
      const projection = projections.find(({ collection }) => collection.name === name);
      if (projection === undefined) throw new Error(`there is no read model named ${name}`);
      if (rebuilds.has(name)) throw new Error(`read model ${name} is being rebuilt already`);
      return projection;
    });
    const onProgress = (progress: RebuildProgress): void => {
      for (const name of names) rebuilds.set(name, progress);
      rebuildOptions.onProgress?.(progress);
    };
    for (const name of names) rebuilds.set(name, { names, events: 0, position: 0n, target: knownHead ?? 0n });
    const rebuilder: Rebuilder = {
      ...{ eventStore, readStore, decode, logger, live, stale: openedStale(), batchSize: rebuildBatchSize },
      signal: reading.signal,
      isWriter: options.isWriter ?? (() => true),
      makeFold: (projection, version) => makeFold(projection, version, REBUILD_CACHE),
    };
    try {
      return await rebuildCollections(rebuilder, chosen, { ...rebuildOptions, onProgress });
    } finally {
      for (const name of names) rebuilds.delete(name);
    }
  };

  const inBackground = (work: Promise<unknown>): void => {
    const done = work.catch((error) => {
      if (!reading.signal.aborted) logger.error({ err: error }, 'rebuilding in the background failed');
    });
    background.add(done);
    void done.then(() => background.delete(done));
  };

  return {
    start: async () => {
      stale = await openStaleDocuments(readStore);
      const head = await eventStore.head();
      if (head !== null) noteHead(head);
      const mending = await Promise.all(projections.map(open));
      inBackground(follow());
      const names = projections.filter((_, at) => mending[at] === true).map(({ collection }) => collection.name);
      if (names.length > 0 && options.rebuildsUnasked !== false) inBackground(rebuild(names));
    },
    waitFor: async (position, timeoutMs) => {
      noteHead(position);
      const reached = (edge !== null && edge >= position) || (await waiting.until(position, timeoutMs));
      return reached && running().length === projections.length;
    },
    status: () =>
      projections.map(({ collection: { name } }): ProjectionStatus => {
        const fold = folds.get(name) ?? null;
        const position = fold?.through ?? null;
        return {
          name,
          version: fold?.version ?? null,
          position,
          lag: knownHead === null ? 0 : lagOf(knownHead, position, fold?.stopped === null ? edge : null),
          stale: fold === null || stale === null ? [] : stale.list(name, fold.version),
          stopped: fold === null ? (missing.get(name) ?? 'not started') : fold.stopped,
          rebuild: rebuilds.get(name) ?? null,
        };
      }),
    rebuild,
    followsLive: () =>
      inTurn(async () => {
        const live = await Promise.all([...folds.keys()].map((name) => liveVersionOf(readStore, name)));
        return [...folds.values()].every(({ version }, at) => live[at] === version);
      }),
    stop: async ({ abandon } = { abandon: false }) => {
      if (reading.signal.aborted) return;
      reading.abort();
      waiting.giveUp();
      if (abandon) stopping.abort();
      else await Promise.race([inTurn(storeCheckpoints), clock.sleep(STOP_WITHIN_MS, signal).catch(() => undefined)]);
      stopping.abort();
      await Promise.all(background);
    },
  };
}

/** A running fold is as far as the shared reader, whatever it last applied itself. */
function lagOf(head: Position, position: Position | null, edge: Position | null): number {
  const at = edge !== null && (position === null || edge > position) ? edge : (position ?? 0n);
  return head > at ? Number(head - at) : 0;
}
