import type { EventStore } from '../ports/event-store.ts';
import type { Progress } from './compare-logs.ts';
import { isSystemStream, type LoggedEvent, type LogSource } from './log-source.ts';

/** The log cannot be copied as it is; nothing was written. */
export class NotCopied extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotCopied';
  }
}

export interface SourceOptions {
  /** Events of other programs come out of this source, and go into this target, byte for byte. */
  readonly keepsForeign: boolean;
  readonly onProgress?: Progress;
}

const EVERY = 500;

/**
 * Reads the whole source before anything is written: every stream must be there from its first event on, without a gap.
 * Returns the number of events. Throws NotCopied, which names the stream.
 */
export async function checkSource(source: LogSource, options: SourceOptions): Promise<number> {
  const next = new Map<string, bigint>();
  let events = 0;
  for await (const event of source.read()) {
    checkContent(event, options);
    const expected = next.get(event.stream) ?? 0n;
    if (event.revision !== expected) {
      throw new NotCopied(
        `stream ${event.stream} was truncated or deleted: revision ${event.revision} comes where ${expected} should be`,
      );
    }
    next.set(event.stream, expected + 1n);
    events += 1;
    if (events % EVERY === 0) options.onProgress?.(events);
  }
  return events;
}

function checkContent({ id, stream, type, metadata }: LoggedEvent, { keepsForeign }: SourceOptions): void {
  const { foreign } = metadata;
  if (foreign?.tombstone === true || type === '$streamDeleted') throw new NotCopied(`stream ${stream} was deleted`);
  if (foreign !== undefined && !keepsForeign) {
    throw new NotCopied(
      `event ${id} (stream ${stream}) was written by another program: its bytes are kept only from one embedded log to another, or in a file of an embedded log`,
    );
  }
}

/**
 * Refuses a store that hides a part of a stream by the metadata of that stream ($tb, $maxCount, $maxAge): a copy would
 * show it again. Only stores that keep `$$` streams among their events need it. Throws NotCopied.
 */
export async function checkStreamMetadata(store: Pick<EventStore, 'readAll'>): Promise<void> {
  for await (const { stream, data } of store.readAll({ streams: { prefixes: ['$$'] } })) {
    if (isSystemStream(stream)) checkShortening(stream, data);
  }
}

/** `stream` is the metastream. Throws NotCopied. */
export function checkShortening(stream: string, data: unknown): void {
  if (typeof data !== 'object' || data === null) return;
  const found = ['$tb', '$maxCount', '$maxAge'].find((key) => key in data);
  if (found !== undefined)
    throw new NotCopied(`stream ${stream.slice(2)} is truncated or deleted by its metadata (${found})`);
}
