import type { Instant } from '../domain/kernel/units.ts';
import type { EventStore, Position, RecordedEvent } from '../ports/event-store.ts';
import type { ReadStore } from '../ports/read-store.ts';
import { catchUp } from './catch-up.ts';
import { agrees, type Comparison, compareVersions } from './compare.ts';
import type { Fold, FoldLogger } from './fold.ts';
import type { Projection } from './projection.ts';
import type { StaleDocuments } from './stale-documents.ts';
import { freeVersionOf, isInLog, shapeOf } from './versions.ts';

export interface RebuildProgress {
  readonly names: readonly string[];
  readonly events: number;
  readonly position: Position;
  /** Where the log ended when this was reported. */
  readonly target: Position;
}

export interface RebuildOptions {
  readonly onProgress?: (progress: RebuildProgress) => void;
  /** Build and compare only; the live version stays and the new one goes. */
  readonly verifyOnly?: boolean;
  /** Build the state of a time beside the live one and leave it there to be read by its version; nothing is switched. */
  readonly asOf?: Instant;
  /**
   * Makes the new version's indexes only once it is full: many times faster, but each stalls the writers of an embedded
   * read store while it is made. For when nobody is served.
   */
  readonly indexesLast?: boolean;
  readonly signal?: AbortSignal;
}

export interface RebuildResult {
  readonly name: string;
  /** The version that was built. */
  readonly version: number;
  readonly events: number;
  /** `built`: left beside the live one (`asOf`). */
  readonly outcome: 'switched' | 'verified' | 'built' | 'stopped';
  /** Against the live version at the same position; null where that one was not to be trusted. */
  readonly comparison: Comparison | null;
  /** Why it stopped. */
  readonly reason: string | null;
}

/** The folds that follow the log, as a rebuild sees them. */
export interface LiveFolds {
  /** Position that all of them have reached; null: the beginning. */
  edge(): Position | null;
  /** Runs `work` while none of them moves. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  foldOf(name: string): Fold | null;
  /** From now on this version is the one that follows the log. Only within `exclusively`. */
  replace(projection: Projection, version: number): Promise<void>;
}

export interface Rebuilder {
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly decode: (event: RecordedEvent) => RecordedEvent;
  readonly logger: FoldLogger;
  readonly stale: StaleDocuments;
  readonly live: LiveFolds;
  readonly batchSize: number;
  readonly signal: AbortSignal;
  /** False: another process writes the read models now, and this one must not switch them. */
  readonly isWriter: () => boolean;
  makeFold(projection: Projection, version: number): Promise<Fold>;
}

interface Building {
  readonly projection: Projection;
  readonly liveVersion: number | null;
  readonly fold: Fold;
}

/** Below this many events behind, the live folds can wait for the rest. */
const NEARLY_THERE = 5_000;

/**
 * Builds a new version of each collection beside the live one with one reading of the log, at full speed; catches up
 * while the live folds stand still, compares, switches in one step and drops the old version. What an interrupted
 * rebuild left is gone on with.
 */
export async function rebuildCollections(
  rebuilder: Rebuilder,
  projections: readonly Projection[],
  options: RebuildOptions = {},
): Promise<readonly RebuildResult[]> {
  const { eventStore, live } = rebuilder;
  const building = await Promise.all(projections.map((projection) => prepare(rebuilder, projection, options)));
  const forward = createForward(rebuilder, building, options);
  if (options.asOf !== undefined) {
    const position = await eventStore.positionAt(options.asOf);
    if (position !== null) await forward.to(position);
    await Promise.all(building.map(({ fold }) => fold.saveCheckpoint()));
    return building.map((built) => resultOf(built, forward.events(), 'built', null));
  }
  const target = async (): Promise<Position | null> => live.edge() ?? (await eventStore.head());
  for (let read = NEARLY_THERE; read >= NEARLY_THERE && !rebuilder.signal.aborted; )
    read = await forward.to(await target());
  await Promise.all(building.map(({ projection, fold }) => makeIndexes(rebuilder, projection, fold.version)));
  const results = await live.exclusively(async () => {
    await forward.to(await target());
    return Promise.all(building.map((built) => conclude(rebuilder, built, forward.events(), options)));
  });
  await Promise.all(results.map((result) => dropOthers(rebuilder, result)));
  return results;
}

async function prepare(rebuilder: Rebuilder, projection: Projection, options: RebuildOptions): Promise<Building> {
  const { readStore, eventStore, stale } = rebuilder;
  const { collection } = projection;
  const versions = await readStore.versions(collection.name);
  const liveVersion = versions.find(({ live }) => live)?.version ?? null;
  const fresh = options.verifyOnly === true || options.asOf !== undefined;
  for (const { version, live } of versions) {
    if (live || fresh || shapeOf(version) !== collection.version) continue;
    if (stale.list(collection.name, version).length > 0) continue;
    const checkpoint = await readStore.checkpoint(collection.name, version);
    if (checkpoint === null || !(await isInLog(eventStore, checkpoint))) continue;
    rebuilder.logger.info({ collection: collection.name, version }, 'rebuild goes on where it was interrupted');
    return { projection, liveVersion, fold: await rebuilder.makeFold(projection, version) };
  }
  const used = versions.map(({ version }) => version);
  const version = freeVersionOf(collection, used, liveVersion);
  await stale.forget(collection.name, version);
  await readStore.ensure({ ...collection, version, indexesLater: options.indexesLast === true });
  return { projection, liveVersion, fold: await rebuilder.makeFold(projection, version) };
}

const makeIndexes = ({ readStore }: Rebuilder, { collection }: Projection, version: number): Promise<void> =>
  readStore.ensure({ ...collection, version });

function createForward(rebuilder: Rebuilder, building: readonly Building[], options: RebuildOptions) {
  const folds = building.map(({ fold }) => fold);
  const names = folds.map(({ projection }) => projection.collection.name);
  const { eventStore, decode, batchSize } = rebuilder;
  const signal = options.signal === undefined ? rebuilder.signal : AbortSignal.any([rebuilder.signal, options.signal]);
  let events = 0;
  return {
    events: () => events,
    /** Reads up to this position; returns how many events that were. */
    to: async (until: Position | null): Promise<number> => {
      if (until === null) return 0;
      const onBatch = (position: Position, read: number): void => {
        events += read;
        options.onProgress?.({ names, events, position, target: until });
      };
      const read = await catchUp({ eventStore, decode, folds, until, batchSize, signal, onBatch });
      signal.throwIfAborted();
      return read;
    },
  };
}

/** Compares and switches one collection, while the live folds stand still at the position the new version is at. */
async function conclude(
  rebuilder: Rebuilder,
  built: Building,
  events: number,
  options: RebuildOptions,
): Promise<RebuildResult> {
  const { readStore, live, logger } = rebuilder;
  const { fold, projection, liveVersion } = built;
  const { name } = projection.collection;
  if (fold.stopped !== null) return resultOf(built, events, 'stopped', null);
  const followed = live.foldOf(name);
  const comparison = isComparable(followed, fold, live.edge())
    ? await compareVersions(readStore, name, followed.version, fold.version)
    : null;
  if (comparison !== null && !agrees(comparison)) {
    logger.warn(
      { collection: name, version: fold.version, comparison },
      'rebuilt collection differs from the live one',
    );
  }
  if (options.verifyOnly === true) return resultOf(built, events, 'verified', comparison);
  await fold.saveCheckpoint();
  if (fold.stopped !== null) return resultOf(built, events, 'stopped', comparison);
  if (!rebuilder.isWriter()) throw new Error('another process writes the read models now');
  await readStore.switchTo(name, fold.version);
  await live.replace(projection, fold.version);
  logger.info({ collection: name, from: liveVersion, to: fold.version, events }, 'rebuilt collection is live');
  return resultOf(built, events, 'switched', comparison);
}

/** Only where both have seen the same: a fold that is itself not to be trusted follows nothing. */
const isComparable = (followed: Fold | null, rebuilt: Fold, edge: Position | null): followed is Fold =>
  followed !== null &&
  followed.stopped === null &&
  (rebuilt.through === null || (edge !== null && rebuilt.through <= edge));

function resultOf(
  { projection, fold }: Building,
  events: number,
  outcome: RebuildResult['outcome'],
  comparison: Comparison | null,
): RebuildResult {
  const { name } = projection.collection;
  const { version, stopped } = fold;
  return { name, version, events, outcome: stopped === null ? outcome : 'stopped', comparison, reason: stopped };
}

/** After a switch every version but the live one goes; after a comparison the one that was built for it. */
async function dropOthers({ readStore, stale }: Rebuilder, result: RebuildResult): Promise<void> {
  if (result.outcome === 'stopped') return;
  const { name } = result;
  for (const { version, live } of await readStore.versions(name)) {
    if (live || (result.outcome !== 'switched' && version !== result.version)) continue;
    await readStore.drop(name, version);
    await stale.forget(name, version);
  }
}
