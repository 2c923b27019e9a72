import type { Clock } from '../ports/clock.ts';
import type { Position, RecordedEvent, StreamFilter } from '../ports/event-store.ts';
import { type Change, type Checkpoint, CheckpointMoved, type Document, type ReadStore } from '../ports/read-store.ts';
import { type Patience, patiently } from './patience.ts';
import type { Projection } from './projection.ts';
import type { Poisoned, StaleDocuments } from './stale-documents.ts';

/** An event of the log as the reader hands it to every fold: decoded once, or with the reason why it cannot be. */
export interface ReadEvent {
  readonly event: RecordedEvent;
  readonly unreadable: string | null;
}

/** Decodes one event; what this build cannot read is kept with its reason. */
export function readEvent(decode: (event: RecordedEvent) => RecordedEvent, event: RecordedEvent): ReadEvent {
  try {
    return { event: decode(event), unreadable: null };
  } catch (error) {
    return { event, unreadable: messageOf(error) };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

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
   * Applies what of the events lies behind `through`; afterwards it is through `end`. `ahead`: returns while that is
   * still being written, so that the next batch is folded meanwhile.
   */
  apply(events: readonly ReadEvent[], end: Checkpoint, options?: { readonly ahead: boolean }): Promise<void>;
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

interface Writing {
  readonly documents: Documents;
  readonly done: Promise<void>;
}

/** More would keep more documents in memory and gain nothing: the writer is never without work. */
const WRITES_AHEAD = 2;

export function wants({ prefixes }: StreamFilter, stream: string): boolean {
  // each fold asks this of each event: no closure for it
  for (const prefix of prefixes) if (stream.startsWith(prefix)) return true;
  return false;
}

export function createFold(options: FoldOptions): Fold {
  const { readStore, projection, version, stale, logger } = options;
  const { name } = projection.collection;
  const patience: Patience = {
    clock: options.clock,
    signal: options.signal,
    onRetry: (error, attempt) => logger.warn({ collection: name, version, err: error, attempt }, 'projection waits'),
  };
  const cache = createDocumentCache(options.cachedDocuments);
  let saved: Checkpoint | null = options.checkpoint;
  let reached: Checkpoint | null = options.checkpoint;
  let stopped: string | null = null;

  const stop = (reason: string, event?: RecordedEvent): void => {
    stopped = reason;
    const where = event === undefined ? {} : { position: String(event.position), eventId: event.id, type: event.type };
    logger.error({ collection: name, version, reason, ...where }, 'projection stopped');
  };

  const write = async (to: Checkpoint, changes: readonly Change[]): Promise<void> => {
    await patiently(patience, async (attempt) => {
      try {
        await readStore.write({ projection: name, version, from: saved, to, changes });
      } catch (error) {
        // an earlier attempt of unknown outcome has done it
        const done = error instanceof CheckpointMoved && attempt > 1 && (await isAt(readStore, name, version, to));
        if (!done) throw error;
      }
    });
    saved = to;
  };

  /** What is being written, oldest first: each write begins when the one before it is done. */
  let inFlight: readonly Writing[] = [];

  /** Resolves once no more than so many writes are under way; throws what one of them met. */
  const settle = async (left = 0): Promise<void> => {
    while (inFlight.length > left) {
      await inFlight[0]?.done;
      inFlight = inFlight.slice(1);
    }
  };

  const writeBehind = (documents: Documents, end: Checkpoint, changes: readonly Change[]): void => {
    const before = inFlight.at(-1)?.done;
    const done = before === undefined ? write(end, changes) : before.then(() => write(end, changes));
    // whoever settles next meets the error
    done.catch(() => undefined);
    inFlight = [...inFlight, { documents, done }];
  };

  const known = (id: string): Document | null | undefined => {
    const cached = cache.get(id);
    if (cached !== undefined) return cached;
    return inFlight.findLast(({ documents }) => documents.has(id))?.documents.get(id);
  };

  /** Documents that a writer who died left ahead of the checkpoint, and as of when they are. */
  const ahead = new Map<string, Position>();
  const noteAhead = (id: string, position: Position): void => {
    if (reached === null || position > reached.position) ahead.set(id, position);
  };
  const isNews = ({ id, event }: Touch): boolean => event.position > (ahead.get(id) ?? -1n);

  const applyReadable = async (
    events: readonly RecordedEvent[],
    end: Checkpoint,
    returnAhead: boolean,
  ): Promise<void> => {
    const touches = touchesOf(projection, events, (id) => stale.has(name, version, id));
    if (touches.length > 0) {
      const before = await patiently(patience, () => documentsBefore(options, known, touches, noteAhead));
      const fresh = ahead.size === 0 ? touches : touches.filter(isNews);
      const { documents, changedAt, poisoned } = foldTouches(projection, before, fresh);
      if (poisoned.length > 0) await patiently(patience, () => stale.park(name, version, poisoned));
      await settle(returnAhead ? WRITES_AHEAD - 1 : 0);
      const changes = changesOf(before, documents, changedAt);
      if (changes.length > 0) {
        writeBehind(documents, end, changes);
        if (!returnAhead) await settle();
      }
      cache.keep(documents);
    }
    reached = end;
    for (const [id, position] of ahead) if (position <= end.position) ahead.delete(id);
  };

  const applyAll = async (events: readonly ReadEvent[], end: Checkpoint, ahead: boolean): Promise<void> => {
    const through = reached?.position ?? null;
    const mine = events.filter(
      ({ event }) => (through === null || event.position > through) && wants(projection.streams, event.stream),
    );
    const bad = mine.findIndex(({ unreadable }) => unreadable !== null);
    if (bad < 0) {
      return applyReadable(
        mine.map(({ event }) => event),
        end,
        ahead,
      );
    }
    const readable = mine.slice(0, bad).map(({ event }) => event);
    const last = readable.at(-1);
    if (last !== undefined) await applyReadable(readable, { position: last.position, eventId: last.id }, false);
    stop(mine[bad]?.unreadable ?? 'unreadable event', mine[bad]?.event);
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

  return {
    projection,
    version,
    get through() {
      return reached?.position ?? null;
    },
    get saved() {
      return saved;
    },
    get stopped() {
      return stopped;
    },
    apply: (events, end, { ahead } = { ahead: false }) =>
      guarded(async () => {
        if (reached === null || end.position > reached.position) await applyAll(events, end, ahead);
      }),
    settle: () => guarded(() => settle()),
    saveCheckpoint: () =>
      guarded(async () => {
        await settle();
        if (reached !== null && reached.position !== saved?.position) await write(reached, []);
      }),
  };
}

interface Touch {
  readonly id: string;
  readonly event: RecordedEvent;
}

function touchesOf(
  projection: Projection,
  events: readonly RecordedEvent[],
  isStale: (id: string) => boolean,
): Touch[] {
  const touches: Touch[] = [];
  for (const event of events) {
    for (const id of projection.idsOf(event)) if (!isStale(id)) touches.push({ id, event });
  }
  return touches;
}

type Documents = Map<string, Document | null>;

async function documentsBefore(
  options: FoldOptions,
  known: (id: string) => Document | null | undefined,
  touches: readonly Touch[],
  onPosition: (id: string, position: Position) => void,
): Promise<Documents> {
  const before: Documents = new Map();
  const { projection, readStore, version } = options;
  const missing: string[] = [];
  for (const { id } of touches) {
    if (before.has(id)) continue;
    const document = projection.appendOnly === true ? null : known(id);
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

interface Folded {
  readonly documents: Documents;
  readonly changedAt: ReadonlyMap<string, Position>;
  readonly poisoned: readonly Poisoned[];
}

/** Folds in memory. A document whose fold throws stays as it was before that event, and is left alone from then on. */
function foldTouches(projection: Projection, before: Documents, touches: readonly Touch[]): Folded {
  const documents: Documents = new Map(before);
  const changedAt = new Map<string, Position>();
  const poisoned = new Map<string, Poisoned>();
  for (const { id, event } of touches) {
    if (poisoned.has(id)) continue;
    const document = documents.get(id) ?? null;
    try {
      const after = projection.apply(document, event, id);
      if (after === document) continue;
      documents.set(id, after);
      changedAt.set(id, event.position);
    } catch (error) {
      poisoned.set(id, { id, event, reason: messageOf(error) });
    }
  }
  return { documents, changedAt, poisoned: [...poisoned.values()] };
}

function changesOf(before: Documents, documents: Documents, changedAt: ReadonlyMap<string, Position>): Change[] {
  const changes: Change[] = [];
  for (const [id, position] of changedAt) {
    const document = documents.get(id) ?? null;
    if (document !== null) changes.push({ kind: 'put', document, position });
    else if ((before.get(id) ?? null) !== null) changes.push({ kind: 'delete', id, position });
  }
  return changes;
}

interface DocumentCache {
  /** Undefined: not known; null: known not to be there. */
  get(id: string): Document | null | undefined;
  keep(documents: Documents): void;
}

/** The documents touched last. The fold is the collection's only writer, so what it remembers is what is stored. */
function createDocumentCache(capacity: number): DocumentCache {
  const kept: Documents = new Map();
  return {
    get: (id) => kept.get(id),
    keep: (documents) => {
      for (const [id, document] of documents) {
        kept.delete(id);
        kept.set(id, document);
      }
      for (const id of kept.keys()) {
        if (kept.size <= capacity) break;
        kept.delete(id);
      }
    },
  };
}

const isAt = async (readStore: ReadStore, name: string, version: number, at: Checkpoint): Promise<boolean> => {
  const checkpoint = await readStore.checkpoint(name, version);
  return checkpoint?.position === at.position && checkpoint.eventId === at.eventId;
};
