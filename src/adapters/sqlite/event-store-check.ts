import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  bytesOfRow,
  CHAIN_START,
  chainAfter,
  damageOfRow,
  EVENT_COLUMNS,
  EVENT_STORE_LAYOUT,
  type EventRow,
} from './event-row.ts';
import { checking, DamagedStore } from './faults.ts';
import { openStoreFileToRead } from './store-file.ts';

/** Events looked at when a store is opened. */
const END_OF_LOG = 1_000;
const PAGE_ROWS = 1_000;
const MAX_DAMAGES = 100;

type CheckedRow = readonly [...EventRow, string];

const CHECKED_COLUMNS = `${EVENT_COLUMNS}, lower(hex(chain))`;

export interface Damage {
  /** Position of the event it was found at; null where it is not about one event. */
  readonly position: bigint | null;
  readonly what: string;
}

export interface VerificationReport {
  readonly file: string;
  readonly events: number;
  /** Position of the last event, null when the log is empty. */
  readonly head: bigint | null;
  /** The hash chain's last link: the same log has the same link, on any machine. */
  readonly chain: string;
  /** Empty when the file is sound; the first hundred otherwise. */
  readonly damages: readonly Damage[];
}

export interface VerificationProgress {
  readonly done: number;
  readonly total: number;
}

/** Checks rows in the order of the log: checksum, JSON, chain, and that positions and times never go back. */
function createRowCheck(before: CheckedRow | undefined) {
  let position = before?.[0] ?? 0;
  let recordedAt = before?.[7] ?? 0;
  let chain = before?.[9] ?? CHAIN_START;
  return {
    chain: () => chain,
    check: (row: CheckedRow): string | null => {
      const [at, stream, revision, , , data, metadata, time] = row;
      const where = `the event at position ${at} (stream ${stream}, revision ${revision})`;
      const expected = chainAfter(chain, bytesOfRow(row.slice(0, 9) as unknown as EventRow));
      const broken = expected !== row[9];
      const backInTime = time < recordedAt;
      const backInLog = at <= position;
      position = at;
      recordedAt = time;
      chain = row[9];
      const damage = damageOfRow(row.slice(0, 9) as unknown as EventRow);
      if (damage !== null) return damage;
      if (broken) return `the hash chain breaks at ${where}: it or the event before it was changed, added or removed`;
      if (backInTime) return `${where} was recorded before the event in front of it`;
      if (backInLog) return `${where} lies in front of the event before it`;
      return isJson(data) && isJson(metadata) ? null : `${where} does not hold JSON`;
    },
  };
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Checks the last events of the log: rows, chain, and revisions that follow each other. Throws DamagedStore. */
export function checkEndOfLog(database: DatabaseSync, file: string): void {
  const rows = checking(file, () =>
    database.prepare(`SELECT ${CHECKED_COLUMNS} FROM events ORDER BY position DESC LIMIT ?`).all(END_OF_LOG + 1),
  ) as unknown as CheckedRow[];
  rows.reverse();
  const before = rows.length > END_OF_LOG ? rows.shift() : undefined;
  const rowCheck = createRowCheck(before);
  const revisions = new Map<string, number>();
  for (const row of rows) {
    const damage = rowCheck.check(row);
    if (damage !== null) throw new DamagedStore(file, damage);
    const [position, stream, revision] = row;
    const previous = revisions.get(stream);
    if (previous !== undefined && revision !== previous + 1) {
      throw new DamagedStore(
        file,
        `stream ${stream} goes from revision ${previous} to ${revision} at position ${position}`,
      );
    }
    revisions.set(stream, revision);
  }
}

/**
 * Checks the whole file, for `scoria events verify`: SQLite's own structures, every row's checksum, the hash chain,
 * revisions per stream from 0 without a gap, positions and times. Throws DamagedStore only where it cannot be read at all.
 */
export async function verifyEventStore(
  file: string,
  onProgress: (progress: VerificationProgress) => void = () => undefined,
): Promise<VerificationReport> {
  const database = openStoreFileToRead(file, EVENT_STORE_LAYOUT);
  try {
    const damages = checking(file, () => structuralDamages(database));
    const [head, total] = checking(file, () =>
      database.prepare('SELECT max(position), count(*) FROM events').get(),
    ) as unknown as [number | null, number];
    const page = database.prepare(
      `SELECT ${CHECKED_COLUMNS} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ${PAGE_ROWS}`,
    );
    const rowCheck = createRowCheck(undefined);
    let position = 0;
    let done = 0;
    for (;;) {
      const rows = checking(file, () => page.all(position, head ?? 0)) as unknown as readonly CheckedRow[];
      for (const row of rows) {
        const damage = rowCheck.check(row);
        if (damage !== null) damages.push({ position: BigInt(row[0]), what: damage });
        position = row[0];
      }
      done += rows.length;
      onProgress({ done, total });
      if (rows.length < PAGE_ROWS || damages.length >= MAX_DAMAGES) break;
      await nextTurn();
    }
    if (damages.length < MAX_DAMAGES) damages.push(...checking(file, () => revisionDamages(database, head ?? 0)));
    return {
      file,
      events: total,
      head: head === null ? null : BigInt(head),
      chain: rowCheck.chain(),
      damages: damages.slice(0, MAX_DAMAGES),
    };
  } finally {
    database.close();
  }
}

function structuralDamages(database: DatabaseSync): Damage[] {
  const rows = database.prepare(`PRAGMA integrity_check(${MAX_DAMAGES})`).all() as unknown as readonly (readonly [
    string,
  ])[];
  return rows.filter(([what]) => what !== 'ok').map(([what]) => ({ position: null, what }));
}

/** Streams whose revisions do not count from 0, one by one, in the order of the log. */
function revisionDamages(database: DatabaseSync, head: number): Damage[] {
  const rows = database
    .prepare(`
      SELECT position, stream, revision, previous_revision FROM (
        SELECT position, stream, revision,
          lag(revision, 1, -1) OVER in_stream AS previous_revision, lag(position, 1, 0) OVER in_stream AS previous_position
        FROM events WHERE position <= ? WINDOW in_stream AS (PARTITION BY stream ORDER BY revision)
      ) WHERE revision <> previous_revision + 1 OR position <= previous_position LIMIT ${MAX_DAMAGES}`)
    .all(head) as unknown as readonly (readonly [number, string, number, number])[];
  return rows.map(([position, stream, revision, previous]) => ({
    position: BigInt(position),
    what:
      revision === previous + 1
        ? `stream ${stream} has revision ${revision} in front of revision ${previous}`
        : `stream ${stream} goes from revision ${previous} to ${revision}`,
  }));
}
