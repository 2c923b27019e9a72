import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { StreamFilter } from '../../ports/event-store.ts';
import { EVENT_COLUMNS, type EventRow } from './event-row.ts';
import { reading } from './faults.ts';

export type Direction = 'forwards' | 'backwards';

/** Rows of one page, and the position up to which the log has been looked at (matching or not). */
export interface Page {
  readonly rows: readonly EventRow[];
  readonly scannedTo: number;
}

/** Reads pages of events; each page is one short read, so that no transaction stays open and no page stalls the loop. */
export interface EventReader {
  /** Position of the last event, 0 when the log is empty. */
  head(): number;
  streamPage(stream: string, from: number, direction: Direction, limit: number): readonly EventRow[];
  /** What lies behind `after` as far as `end` (inclusive), at most `limit` rows. */
  logPage(scan: LogScan, after: number, end: number, limit: number): Page;
  /** Time of the first event at or behind `position`, null behind the end. */
  recordedAtOrAfter(position: number): { readonly position: number; readonly recordedAt: number } | null;
}

/** A scan of the log; its window widens while few events match, so that a rare stream does not cost a page per event. */
export interface LogScan {
  readonly direction: Direction;
  readonly streams: StreamFilter | undefined;
  window: number;
}

export const PAGE_ROWS = 256;
const MAX_WINDOW = 8_192;

/** Behind every name that begins with the prefix. */
const AFTER_PREFIX = '\u{10FFFF}';

export function createEventReader(database: DatabaseSync, file: string): EventReader {
  const prepared = new Map<string, StatementSync>();
  const all = (sql: string, ...parameters: SQLInputValue[]): readonly unknown[] =>
    reading(file, () => {
      let statement = prepared.get(sql);
      if (statement === undefined) {
        statement = database.prepare(sql);
        prepared.set(sql, statement);
      }
      return statement.all(...parameters);
    });

  const rangeSql = (direction: Direction, prefixes: number): string => {
    const filter = prefixes === 0 ? '' : `AND (${Array(prefixes).fill('(stream >= ? AND stream < ?)').join(' OR ')})`;
    return direction === 'forwards'
      ? `SELECT ${EVENT_COLUMNS} FROM events WHERE position > ? AND position <= ? ${filter} ORDER BY position LIMIT ?`
      : `SELECT ${EVENT_COLUMNS} FROM events WHERE position < ? AND position >= ? ${filter} ORDER BY position DESC LIMIT ?`;
  };

  return {
    head: () => {
      const [row] = all('SELECT max(position) FROM events') as readonly (readonly [number | null])[];
      return row?.[0] ?? 0;
    },
    streamPage: (stream, from, direction, limit) => {
      const [compare, order] = direction === 'forwards' ? ['>=', ''] : ['<=', 'DESC'];
      return all(
        `SELECT ${EVENT_COLUMNS} FROM events WHERE stream = ? AND revision ${compare} ? ORDER BY revision ${order} LIMIT ?`,
        stream,
        from,
        limit,
      ) as readonly EventRow[];
    },
    logPage: (scan, after, end, limit) => {
      const prefixes = scan.streams?.prefixes ?? [];
      const bounds = prefixes.flatMap((prefix) => [prefix, prefix + AFTER_PREFIX]);
      const step = scan.direction === 'forwards' ? scan.window : -scan.window;
      const until = scan.direction === 'forwards' ? Math.min(after + step, end) : Math.max(after + step, end);
      const rows = all(
        rangeSql(scan.direction, prefixes.length),
        after,
        until,
        ...bounds,
        limit,
      ) as readonly EventRow[];
      if (rows.length < limit / 2) scan.window = Math.min(scan.window * 2, MAX_WINDOW);
      const last = rows.at(-1);
      return { rows, scannedTo: rows.length === limit && last !== undefined ? last[0] : until };
    },
    recordedAtOrAfter: (position) => {
      const [row] = all(
        'SELECT position, recorded_at FROM events WHERE position >= ? ORDER BY position LIMIT 1',
        position,
      ) as readonly (readonly [number, number])[];
      return row === undefined ? null : { position: row[0], recordedAt: row[1] };
    },
  };
}

/** True where the filter lets no stream through. */
export const matchesNothing = (streams: StreamFilter | undefined): boolean => streams?.prefixes.length === 0;

/** Last position recorded at or before `at`, found by bisection: times never go back along the log. Null: none. */
export function lastPositionAt(reader: EventReader, at: number): number | null {
  let before = 0;
  let behind = reader.head() + 1;
  while (behind - before > 1) {
    const middle = Math.floor((before + behind) / 2);
    const found = reader.recordedAtOrAfter(middle);
    if (found !== null && found.recordedAt <= at) before = found.position;
    else behind = middle;
  }
  return before === 0 ? null : before;
}
