import type { LoggedEvent, LogSource } from './log-source.ts';

/** Where two logs part: the number of the event (from 0), and what each has there (null: it has ended). */
export interface Parting {
  readonly at: number;
  readonly field: 'end' | 'stream' | 'revision' | 'id' | 'type' | 'data' | 'metadata';
  readonly source: LoggedEvent | null;
  readonly target: LoggedEvent | null;
}

export interface Comparison {
  /** Events that are the same in both. */
  readonly same: number;
  /** Null: the logs are equal. */
  readonly parting: Parting | null;
}

export type Progress = (done: number) => void;

const EVERY = 500;

/** Reads both logs in lockstep: order, streams, revisions, ids, types, data and metadata, byte for byte as JSON. */
export async function compareLogs(source: LogSource, target: LogSource, onProgress?: Progress): Promise<Comparison> {
  const sourceEvents = source.read()[Symbol.asyncIterator]();
  const targetEvents = target.read()[Symbol.asyncIterator]();
  try {
    for (let at = 0; ; at += 1) {
      const [left, right] = await Promise.all([nextOf(sourceEvents), nextOf(targetEvents)]);
      if (left === null && right === null) return { same: at, parting: null };
      const field = left === null || right === null ? 'end' : differingField(left, right);
      if (field !== null) return { same: at, parting: { at, field, source: left, target: right } };
      if (at % EVERY === 0) onProgress?.(at);
    }
  } finally {
    await Promise.all([sourceEvents.return?.(), targetEvents.return?.()]);
  }
}

export async function nextOf(events: AsyncIterator<LoggedEvent>): Promise<LoggedEvent | null> {
  const { done, value } = await events.next();
  return done === true ? null : value;
}

/** The first field in which they differ; null where they are the same event. */
export function differingField(left: LoggedEvent, right: LoggedEvent): Exclude<Parting['field'], 'end'> | null {
  if (left.stream !== right.stream) return 'stream';
  if (left.revision !== right.revision) return 'revision';
  if (left.id.toLowerCase() !== right.id.toLowerCase()) return 'id';
  if (left.type !== right.type) return 'type';
  if (JSON.stringify(left.data) !== JSON.stringify(right.data)) return 'data';
  return JSON.stringify(left.metadata) === JSON.stringify(right.metadata) ? null : 'metadata';
}

/** One sentence: where they part, and what lies there on each side. */
export function partingText({ at, field, source, target }: Parting): string {
  const what = field === 'end' ? 'one has ended' : `their ${field} differs`;
  return `at event ${at + 1} of the log ${what}: the source has ${nameOf(source)}, the target ${nameOf(target)}`;
}

const nameOf = (event: LoggedEvent | null): string =>
  event === null ? 'no more events' : `${event.type} ${event.id} (stream ${event.stream}, revision ${event.revision})`;
