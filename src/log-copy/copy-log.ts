import type { EventStore, EventToAppend } from '../ports/event-store.ts';
import { checkSource, NotCopied, type SourceOptions } from './check-source.ts';
import { compareLogs, differingField, nextOf, type Parting, partingText } from './compare-logs.ts';
import { type LoggedEvent, type LogSource, storeSource } from './log-source.ts';

export type Phase = 'checked' | 'found in the target' | 'copied' | 'compared';

export interface CopyOptions {
  readonly keepsForeign: boolean;
  /** Appends under way together: 1, unless the target stores them in the order in which they are sent. */
  readonly inFlight: number;
  /** `total` is null while the source has not been counted. */
  readonly onProgress?: (phase: Phase, done: number, total: number | null) => void;
}

export interface CopyReport {
  /** Events of the source when the copy began. */
  readonly events: number;
  /** What the target had before. */
  readonly present: number;
  readonly copied: number;
}

/** Less than what a server takes in one append (1 MiB of data, and its own limit of events). */
const MAX_APPEND_BYTES = 256 * 1024;
const MAX_APPEND_EVENTS = 256;

/**
 * Copies a log into a store that holds nothing, or a beginning of it (an interrupted copy): same streams, revisions,
 * ids, types, data, metadata and order. Appends go out in the order of the log; events of one stream in a row are one
 * append. Repeats are told by id and revision. After a failure nothing more is sent. Throws NotCopied before anything is written, or what the stores throw; then it is simply run again.
 */
export async function copyLog(source: LogSource, target: EventStore, options: CopyOptions): Promise<CopyReport> {
  const { onProgress } = options;
  const checking: SourceOptions = {
    keepsForeign: options.keepsForeign,
    onProgress: (done) => onProgress?.('checked', done, null),
  };
  const total = await checkSource(source, checking);
  const events = source.read()[Symbol.asyncIterator]();
  const underWay: Promise<number>[] = [];
  try {
    const present = await skipPresent(events, target, (done) => onProgress?.('found in the target', done, total));
    let copied = 0;
    const oldestDone = async (): Promise<void> => {
      copied += (await underWay.shift()) ?? 0;
      onProgress?.('copied', present + copied, total);
    };
    for await (const run of runsOf(events, total - present)) {
      const append = appendRun(target, run);
      // It is awaited in its turn; a failure before that must not end the process.
      append.catch(() => undefined);
      underWay.push(append);
      if (underWay.length >= options.inFlight) await oldestDone();
    }
    while (underWay.length > 0) await oldestDone();
    return { events: total, present, copied };
  } finally {
    await Promise.allSettled(underWay);
    await events.return?.();
  }
}

/** Takes from the source what the target has. Throws NotCopied where the target is no beginning of the source. */
async function skipPresent(
  events: AsyncIterator<LoggedEvent>,
  target: EventStore,
  onProgress: (done: number) => void,
): Promise<number> {
  let present = 0;
  for await (const there of storeSource(target).read()) {
    const event = await nextOf(events);
    const field = event === null ? 'end' : differingField(event, there);
    if (field !== null) {
      const parting: Parting = { at: present, field, source: event, target: there };
      throw new NotCopied(
        `the target is not a beginning of the source: ${partingText(parting)}. Nothing was written; begin with an empty target`,
      );
    }
    present += 1;
    if (present % 500 === 0) onProgress(present);
  }
  return present;
}

/** Events of one stream that follow each other, as many as fit into one append; `limit` events in all. */
async function* runsOf(events: AsyncIterator<LoggedEvent>, limit: number): AsyncGenerator<readonly LoggedEvent[]> {
  let run: LoggedEvent[] = [];
  let bytes = 0;
  for (let taken = 0; taken < limit; taken += 1) {
    const event = await nextOf(events);
    if (event === null) break;
    const size = Buffer.byteLength(JSON.stringify(event.data)) + Buffer.byteLength(JSON.stringify(event.metadata));
    const fits = bytes + size <= MAX_APPEND_BYTES && run.length < MAX_APPEND_EVENTS;
    if (run.length > 0 && (run[0]?.stream !== event.stream || !fits)) {
      yield run;
      run = [];
      bytes = 0;
    }
    run.push(event);
    bytes += size;
  }
  if (run.length > 0) yield run;
}

async function appendRun(target: EventStore, run: readonly LoggedEvent[]): Promise<number> {
  const [first] = run;
  if (first === undefined) return 0;
  const expected = first.revision === 0n ? 'no-stream' : first.revision - 1n;
  const proposed: EventToAppend[] = run.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }));
  await target.append(first.stream, expected, proposed);
  return run.length;
}

/** The first `events` events of the source against all of the target. */
export const compareCopy = (
  source: LogSource,
  target: EventStore,
  events: number,
  onProgress?: (phase: Phase, done: number, total: number | null) => void,
) =>
  compareLogs(firstOf(source, events), storeSource(target), (done) =>
    onProgress?.('compared', done, Number.isFinite(events) ? events : null),
  );

/** What a server that is still running appends meanwhile is left to the next copy. */
const firstOf = (source: LogSource, events: number): LogSource => ({
  read: async function* () {
    let left = events;
    if (left <= 0) return;
    for await (const event of source.read()) {
      yield event;
      left -= 1;
      if (left <= 0) return;
    }
  },
});
