import type { Clock } from '../ports/clock.ts';
import type { Position, RecordedEvent } from '../ports/event-store.ts';
import { type Checkpoint, CheckpointMoved, type Document, type ReadStore } from '../ports/read-store.ts';
import {
  createDocumentCache,
  createGathered,
  foldAppends,
  foldTouches,
  messageOf,
  type Touch,
  touchesOf,
} from './folding.ts';
import { type Patience, patiently } from './patience.ts';
import type { Projection } from './projection.ts';
import type { Poisoned, StaleDocuments } from './stale-documents.ts';
import { rememberWants, streamKindOf } from './wanted-streams.ts';
import { createWriteBehind, type Documents } from './write-behind.ts';

/** An event of the log as the reader hands it to every fold: decoded once, or with the reason why it cannot be. */
export interface ReadEvent {
  readonly event: RecordedEvent;
  readonly unreadable: string | null;
  /** Its stream's, told once for every fold. */
  readonly kind: string;
}

/** Decodes one event; what this build cannot read is kept with its reason. */
export function readEvent(decode: (event: RecordedEvent) => RecordedEvent, event: RecordedEvent): ReadEvent {
  const kind = streamKindOf(event.stream);
  try {
    return { event: decode(event), unreadable: null, kind };
  } catch (error) {
    return { event, unreadable: messageOf(error), kind };
  }
}

export interface FoldLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** One version of one collection as it is brought forward: the only writer of that version. */
export interface Fold {
  readonly projection: Projection;
  /** As the read store numbers it. */
  readonly version: number;
  /** Everything up to here is in the documents; ahead of the stored checkpoint while nothing changed. */
  readonly through: Position | null;
  /** How far it is according to the read store. */
  readonly saved: Checkpoint | null;
  /** Why it went no further; null while it runs. */
  readonly stopped: string | null;
  /**
   * Applies what of the events lies behind `through`; afterwards it is through `end`. `gather`: what changes is written
   * once so many changes have come together, and this returns meanwhile; `settle` writes the rest.
   */
  apply(events: readonly ReadEvent[], end: Checkpoint, options?: { readonly gather: number }): Promise<void>;
  /** Resolves once everything applied is written. */
  settle(): Promise<void>;
  /** Stores how far it is, where nothing was written since. */
  saveCheckpoint(): Promise<void>;
}

export interface FoldOptions {
  readonly readStore: ReadStore;
  readonly projection: Projection;
  readonly version: number;
  readonly checkpoint: Checkpoint | null;
  readonly stale: StaleDocuments;
  readonly logger: FoldLogger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Documents kept in memory, so that one that changes often is not read again. */
  readonly cachedDocuments: number;
  /** Where another process may become the writer: told when it has. That is no fault of the fold, which ends quietly. */
  readonly onOvertaken?: () => void;
}

/** More would keep more documents in memory and gain nothing: the writer is without work only while this folds. */
export const WRITES_AHEAD = 8;
/** A collection that few events concern is written after so many times as many of the log, so that it too gets on. */
const EVENTS_FOR_A_CHANGE = 16;

export function createFold(options: FoldOptions): Fold {
  const { readStore, projection, version, stale, logger } = options;
  const { name } = projection.collection;
  const patience: Patience = {
    clock: options.clock,
    signal: options.signal,
    onRetry: (error, attempt) => logger.warn({ collection: name, version, err: error, attempt }, 'projection waits'),
  };
  const cache = createDocumentCache(options.cachedDocuments);
  const writes = createWriteBehind({ readStore, collection: name, version, checkpoint: options.checkpoint, patience });
  const isWanted = rememberWants(projection.streams);
  let reached: Checkpoint | null = options.checkpoint;
  let gathered = createGathered();
  let stopped: string | null = null;

  const stop = (reason: string, event?: RecordedEvent): void => {
    stopped = reason;
    const where = event === undefined ? {} : { position: String(event.position), eventId: event.id, type: event.type };
    logger.error({ collection: name, version, reason, ...where }, 'projection stopped');
  };

  const known = (id: string): Document | null | undefined => {
    const latest = gathered.documents.get(id);
    if (latest !== undefined) return latest;
    const cached = cache.get(id);
    return cached === undefined ? writes.documentOf(id) : cached;
  };

  /** Documents that a writer who died left ahead of the checkpoint, and as of when they are. */
  const ahead = new Map<string, Position>();
  const noteAhead = (id: string, position: Position): void => {
    if (reached === null || position > reached.position) ahead.set(id, position);
  };
  const isNews = ({ id, event }: Touch): boolean => event.position > (ahead.get(id) ?? -1n);

  /** Begins to write what was gathered: everything up to `end`. */
  const flush = async (end: Checkpoint, isDue: boolean): Promise<void> => {
    const { documents } = gathered;
    const changes = gathered.changes();
    gathered = createGathered();
    if (changes.length > 0 || isDue) {
      await writes.settle(WRITES_AHEAD - 1);
      writes.push(end, changes, documents);
    }
    cache.keep(documents);
  };

  /** Parked before the collection moves on, but not before what came earlier is written. */
  const park = async (poisoned: readonly Poisoned[]): Promise<void> => {
    if (reached !== null) await flush(reached, false);
    await writes.settle();
    await patiently(patience, () => stale.park(name, version, poisoned));
  };

  const append = async (touches: readonly Touch[], end: Checkpoint): Promise<void> => {
    const { changes, poisoned } = foldAppends(projection, touches);
    if (poisoned.length > 0) await park(poisoned);
    if (changes.length === 0) return;
    await writes.settle(WRITES_AHEAD - 1);
    writes.push(end, changes, NOTHING);
    gathered = createGathered();
  };

  const gather = async (touches: readonly Touch[]): Promise<void> => {
    const before = await patiently(patience, () => documentsBefore(options, known, touches, noteAhead));
    const folded = foldTouches(projection, before, ahead.size === 0 ? touches : touches.filter(isNews));
    if (folded.poisoned.length > 0) await park(folded.poisoned);
    gathered.add(before, folded, touches.length);
  };

  const applyReadable = async (
    events: readonly RecordedEvent[],
    { end, read, most }: { readonly end: Checkpoint; readonly read: number; readonly most: number },
  ): Promise<void> => {
    const touches = touchesOf(projection, events, (id) => stale.has(name, version, id));
    if (touches.length > 0) await (projection.appendOnly === true ? append(touches, end) : gather(touches));
    reached = end;
    for (const [id, position] of ahead) if (position <= end.position) ahead.delete(id);
    gathered.reachOver(read);
    const isLate = most > 0 && gathered.events >= most * EVENTS_FOR_A_CHANGE;
    if (isLate || (gathered.touches > 0 && gathered.touches >= most)) await flush(end, isLate);
    if (most === 0) await writes.settle();
  };

  const applyAll = async (events: readonly ReadEvent[], end: Checkpoint, most: number): Promise<void> => {
    const through = reached?.position ?? -1n;
    const first = events[0]?.event.position ?? 0n;
    const mine: RecordedEvent[] = [];
    for (const { event, unreadable, kind } of events) {
      // positions only grow: where the first is news, all are
      if (!isWanted(event.stream, kind) || (first <= through && event.position <= through)) continue;
      if (unreadable !== null) {
        const last = mine.at(-1);
        const upTo = last === undefined ? reached : { position: last.position, eventId: last.id };
        if (upTo !== null) await applyReadable(mine, { end: upTo, read: mine.length, most: 0 });
        return stop(unreadable, event);
      }
      mine.push(event);
    }
    await applyReadable(mine, { end, read: events.length, most });
  };

  /** What it cannot get past stops the fold, not whoever drives it. */
  const guarded = async (work: () => Promise<void>): Promise<void> => {
    if (stopped !== null) return;
    try {
      await work();
    } catch (error) {
      if (options.signal.aborted) return;
      if (!(error instanceof CheckpointMoved) || options.onOvertaken === undefined) return stop(messageOf(error));
      stopped = error.message;
      options.onOvertaken();
    }
  };

  const settle = async (): Promise<void> => {
    if (reached !== null) await flush(reached, false);
    await writes.settle();
  };

  return {
    projection,
    version,
    get through() {
      return reached?.position ?? null;
    },
    get saved() {
      return writes.saved;
    },
    get stopped() {
      return stopped;
    },
    apply: (events, end, options = { gather: 0 }) =>
      guarded(async () => {
        if (reached === null || end.position > reached.position) await applyAll(events, end, options.gather);
      }),
    settle: () => guarded(settle),
    saveCheckpoint: () =>
      guarded(async () => {
        await settle();
        if (reached === null || reached.position === writes.saved?.position) return;
        writes.push(reached, [], NOTHING);
        await writes.settle();
      }),
  };
}

const NOTHING: Documents = new Map();

async function documentsBefore(
  options: FoldOptions,
  known: (id: string) => Document | null | undefined,
  touches: readonly Touch[],
  onPosition: (id: string, position: Position) => void,
): Promise<Documents> {
  const before = new Map<string, Document | null>();
  const { projection, readStore, version } = options;
  const missing: string[] = [];
  for (const { id } of touches) {
    if (before.has(id)) continue;
    const document = known(id);
    before.set(id, document ?? null);
    if (document === undefined) missing.push(id);
  }
  if (missing.length === 0) return before;
  const { name } = projection.collection;
  if (readStore.getManyAt === undefined) {
    for (const document of await readStore.getMany(name, missing, version)) before.set(document.id, document);
    return before;
  }
  for (const { id, document, position } of await readStore.getManyAt(name, missing, version)) {
    before.set(id, document);
    onPosition(id, position);
  }
  return before;
}
