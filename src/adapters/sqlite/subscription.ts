import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  type Delivery,
  type Position,
  StoreUnavailable,
  type StreamFilter,
  type SubscribeOptions,
} from '../../ports/event-store.ts';
import type { CommitSignal } from './commit-signal.ts';
import { type EventReader, type LogScan, matchesNothing, PAGE_ROWS } from './event-reader.ts';
import { recordedEventOf } from './event-row.ts';
import type { RecentEvents } from './recent-events.ts';

const MAX_RETRY_MS = 5_000;

/** Where a subscription reads. */
export interface LogSource {
  readonly file: string;
  readonly reader: EventReader;
  readonly commits: CommitSignal;
  readonly recent: RecentEvents;
}

/** Delivers the log in order for ever: from memory what this process has just appended, else from the file. */
export async function* subscribe(source: LogSource, options: SubscribeOptions): AsyncGenerator<Delivery> {
  const { file, reader, commits, recent } = source;
  const { after, streams, signal } = options;
  const scan: LogScan = { direction: 'forwards', streams, window: PAGE_ROWS };
  const nothing = matchesNothing(streams);
  let position = after === null ? 0 : Number(after);
  while (!signal.aborted) {
    const announced = commits.announced();
    const head = announced > position ? announced : await patiently(() => reader.head(), signal);
    while (position < head && !signal.aborted) {
      const appended = recent.behind(position);
      if (appended !== null) {
        for (const event of appended) {
          if (signal.aborted) return;
          if (isWanted(streams, event.stream)) yield { kind: 'event', event };
          position = Number(event.position);
        }
        continue;
      }
      const page = nothing
        ? { rows: [], scannedTo: head }
        : await patiently(() => reader.logPage(scan, position, head, PAGE_ROWS), signal);
      for (const row of page.rows) {
        if (signal.aborted) return;
        yield { kind: 'event', event: recordedEventOf(row, file, true) };
      }
      position = page.scannedTo;
      if (position < head) await nextTurn();
    }
    if (signal.aborted) return;
    const end = Math.max(position, head);
    yield { kind: 'caught-up', position: positionOrNull(end) };
    await commits.grownBeyond(end, signal);
  }
}

const isWanted = (streams: StreamFilter | undefined, stream: string): boolean =>
  streams === undefined || streams.prefixes.some((prefix) => stream.startsWith(prefix));

/** The port knows no position zero: an empty log has none. */
export const positionOrNull = (position: number | null): Position | null =>
  position === null || position === 0 ? null : BigInt(position);

/** A subscription outlives a store that cannot answer for a while; what is damaged it reports. */
async function patiently<T>(read: () => T, signal: AbortSignal): Promise<T> {
  for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || signal.aborted) throw error;
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
