import type { EventStore, Position, RecordedEvent, StreamFilter } from '../ports/event-store.ts';
import { type Fold, type ReadEvent, readEvent } from './fold.ts';

export interface CatchUpOptions {
  readonly eventStore: EventStore;
  readonly decode: (event: RecordedEvent) => RecordedEvent;
  readonly folds: readonly Fold[];
  /** Last position to apply. */
  readonly until: Position;
  /** Changes of a collection that come together before they are written. */
  readonly batchSize: number;
  readonly signal: AbortSignal;
  readonly onBatch?: (position: Position, events: number) => void;
}

/** Events that are folded before the next are read: few, so that they are soon garbage. */
const READ_AT_ONCE = 512;

/**
 * Brings folds through `until` at full speed: one reading of the log for all, each document written once per batch,
 * and the next batch read and folded while this one is written. Returns how many events were read.
 */
export async function catchUp(options: CatchUpOptions): Promise<number> {
  const { folds, signal, batchSize } = options;
  const batches = readBatches(options)[Symbol.asyncIterator]();
  let read = 0;
  let next = batches.next();
  try {
    for (;;) {
      const { value: batch, done } = await next;
      if (done === true || signal.aborted) return read;
      const last = batch.at(-1)?.event;
      next = batches.next();
      if (last === undefined) continue;
      const end = { position: last.position, eventId: last.id };
      await Promise.all(folds.map((fold) => fold.apply(batch, end, { gather: batchSize })));
      read += batch.length;
      options.onBatch?.(last.position, batch.length);
      if (folds.every(({ stopped }) => stopped !== null)) return read;
    }
  } finally {
    // the batch that was being read meanwhile is of no use, and neither is its error
    next.catch(() => undefined);
    await batches.return?.(undefined).catch(() => undefined);
    await Promise.all(folds.map((fold) => fold.settle()));
  }
}

async function* readBatches(options: CatchUpOptions): AsyncGenerator<readonly ReadEvent[], void, undefined> {
  const { eventStore, decode, folds, until } = options;
  const readAtOnce = Math.min(READ_AT_ONCE, options.batchSize);
  const running = folds.filter(({ stopped }) => stopped === null);
  if (running.length === 0) return;
  const after = earliest(running.map(({ through }) => through));
  const streams = streamsOf(running);
  let batch: ReadEvent[] = [];
  const log = eventStore.readAll({
    withText: true,
    ...(after === null ? {} : { after }),
    ...(streams === null ? {} : { streams }),
  });
  for await (const event of log) {
    if (event.position > until) break;
    batch.push(readEvent(decode, event));
    if (batch.length < readAtOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Where the hindmost is; null: at the beginning of the log. */
export function earliest(positions: readonly (Position | null)[]): Position | null {
  let least: Position | null = positions[0] ?? null;
  for (const position of positions) {
    if (position === null) return null;
    if (least === null || position < least) least = position;
  }
  return least;
}

/** What all of them want together; null: every stream. */
function streamsOf(folds: readonly Fold[]): StreamFilter | null {
  const prefixes = new Set(folds.flatMap(({ projection }) => projection.streams.prefixes));
  return prefixes.has('') ? null : { prefixes: [...prefixes] };
}
