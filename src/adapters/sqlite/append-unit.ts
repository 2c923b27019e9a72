import type { DatabaseSync } from 'node:sqlite';
import { bytesOfRow, CHAIN_START, chainAfter, checksumOf, type EventRow } from './event-row.ts';
import type { AppendOutcome, AppendUnit } from './writer-protocol.ts';

/** Position, time and chain of the last event of the log. */
interface End {
  readonly position: number;
  readonly recordedAt: number;
  readonly chain: string;
}

const EMPTY: End = { position: 0, recordedAt: 0, chain: CHAIN_START };

/** Appends inside an open transaction; a unit that conflicts writes nothing. Statements are prepared at first use. */
export function prepareAppend(database: DatabaseSync): (unit: AppendUnit) => AppendOutcome {
  const prepare = () => ({
    end: database.prepare('SELECT position, recorded_at, lower(hex(chain)) FROM events ORDER BY position DESC LIMIT 1'),
    revision: database.prepare('SELECT max(revision) FROM events WHERE stream = ?'),
    repeated: database.prepare(
      'SELECT id, revision, position FROM events WHERE stream = ? AND revision > ? ORDER BY revision LIMIT ?',
    ),
    insert: database.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
  });
  let statements: ReturnType<typeof prepare> | undefined;

  const append = (unit: AppendUnit): AppendOutcome => {
    statements ??= prepare();
    const last = statements.revision.get(unit.stream) as unknown as readonly [number | null];
    if ((last[0] ?? -1) !== unit.expected) return firstOutcome(unit, statements.repeated);
    let end = endOf(statements.end.get());
    let revision = unit.expected;
    for (const event of unit.events) {
      revision += 1;
      const position = end.position + 1;
      const recordedAt = Math.max(end.recordedAt, unit.now);
      const row = [
        position,
        unit.stream,
        revision,
        event.id,
        event.type,
        event.data,
        event.metadata,
        recordedAt,
      ] as const;
      const bytes = bytesOfRow([...row, 0]);
      const chain = chainAfter(end.chain, bytes);
      statements.insert.run(...row, checksumOf(bytes), Buffer.from(chain, 'hex'));
      end = { position, recordedAt, chain };
    }
    return { kind: 'appended', revision, position: end.position, recordedAt: end.recordedAt };
  };
  return append;
}

const endOf = (row: unknown): End => {
  if (row === undefined) return EMPTY;
  const [position, recordedAt, chain] = row as readonly [number, number, string];
  return { position, recordedAt, chain };
};

/** The same events at the same expected revision were appended before: their first result; else a conflict. */
function firstOutcome(unit: AppendUnit, repeated: ReturnType<DatabaseSync['prepare']>): AppendOutcome {
  const rows = repeated.all(unit.stream, unit.expected, unit.events.length) as unknown as readonly (readonly [
    EventRow[3],
    number,
    number,
  ])[];
  const last = rows.at(-1);
  const same = rows.length === unit.events.length && rows.every((row, index) => row[0] === unit.events[index]?.id);
  if (!same || last === undefined || rows[0]?.[1] !== unit.expected + 1) return { kind: 'conflict' };
  return { kind: 'appended', revision: last[1], position: last[2], recordedAt: null };
}
