import type { Instant } from '../../domain/kernel/units.ts';
import type { Position } from '../../ports/event-store.ts';
import type { LogReader } from './log-reader.ts';
import { isSystemStream, type LogEntry } from './recorded-events.ts';

/** Where events lie: the end of the log, and times. */
export interface Positions {
  /** The last event that is not the server's own. */
  head(): Promise<Position | null>;
  positionAt(at: Instant): Promise<Position | null>;
  /** Lets it remember now and then where a time lies, from what is read anyway. */
  note(entry: LogEntry): void;
}

const PAGE_ENTRIES = 64;
const NOTE_EVERY = 500;
const MAX_NOTES = 4_096;
/** How far the clocks of two leaders may differ: so much further back a time is looked for. */
const CLOCK_MARGIN_MS = 60_000;

interface Note {
  readonly position: Position;
  readonly createdAt: Instant;
}

export function createPositions(reader: LogReader): Positions {
  /** Nothing but the server's own lies between `head` and `scannedTo`. */
  let known: { readonly head: Position | null; readonly scannedTo: Position } | null = null;
  let notes: Note[] = [];
  let noted = 0;

  const note = ({ position, createdAt }: LogEntry): void => {
    noted += 1;
    if (noted % NOTE_EVERY !== 0) return;
    const at = notes.findLastIndex((one) => one.position <= position);
    if (notes[at]?.position === position) return;
    notes.splice(at + 1, 0, { position, createdAt });
    if (notes.length > MAX_NOTES) notes = notes.filter((_, n) => n % 2 === 0);
  };

  return {
    note,
    head: async () => {
      let first: Position | null = null;
      let head: Position | null = null;
      for await (const entry of reader.readLog({ after: null, direction: 'backwards', pageEntries: PAGE_ENTRIES })) {
        first ??= entry.position;
        if (known !== null && entry.position <= known.scannedTo) {
          head = known.head;
          break;
        }
        if (isSystemStream(entry.stream)) continue;
        head = entry.position;
        break;
      }
      known = first === null ? null : { head, scannedTo: first };
      return head;
    },
    // The server keeps no index of times, so the log is read backwards from the first place known to be later.
    positionAt: async (at) => {
      const later = notes.find(({ createdAt }) => createdAt > at + CLOCK_MARGIN_MS)?.position ?? null;
      let found: Position | null = null;
      for await (const entry of reader.readLog({ after: later, direction: 'backwards', pageEntries: null })) {
        note(entry);
        if (isSystemStream(entry.stream)) continue;
        if (entry.createdAt > at) found = null;
        else {
          found ??= entry.position;
          if (entry.createdAt <= at - CLOCK_MARGIN_MS) break;
        }
      }
      return found;
    },
  };
}
