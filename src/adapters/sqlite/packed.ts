import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { AppendUnit, Outcome, QueuedUnit, Statement } from './writer-protocol.ts';

/**
 * Units and their outcomes as flat lists of plain values: copied between threads, a tree of objects takes five times as
 * long. Lengths come before what they count.
 */
export type Packed = readonly PackedValue[];
type PackedValue = SQLInputValue | SQLOutputValue | boolean;

/** What a statement is, for short. */
const [PLAIN, GUARD, PUT] = [0, 1, 2];

/** SQL that both sides know by its number; beyond these it goes along every time. */
const MOST_NUMBERED = 1_000;

/** Packs the units of one file, each SQL text only once: from then on its number stands for it. */
export function createPacker(): (units: readonly QueuedUnit[]) => Packed {
  const numbers = new Map<string, number>();

  const sqlOf = (sql: string): PackedValue => {
    const number = numbers.get(sql);
    if (number === undefined && numbers.size < MOST_NUMBERED) numbers.set(sql, numbers.size);
    return number ?? sql;
  };

  return (units) => {
    const packed: PackedValue[] = [];
    for (const { id, durable, unit } of units) {
      packed.push(id, durable);
      if (unit.kind === 'append') {
        packed.push('append', unit.stream, unit.expected, unit.now, unit.events.length);
        for (const event of unit.events) packed.push(event.id, event.type, event.data, event.metadata);
        continue;
      }
      packed.push('statements', unit.statements.length);
      for (const { sql, rows, guard, put } of unit.statements) {
        packed.push(sqlOf(sql), guard === true ? GUARD : put === true ? PUT : PLAIN, rows.length, rows[0]?.length ?? 0);
        for (const row of rows) for (const value of row) packed.push(value);
      }
    }
    return packed;
  };
}

/** Reads what one packer has packed, all of it and in its order. */
export function createUnpacker(): (packed: Packed) => QueuedUnit[] {
  const numbered: string[] = [];

  const sqlOf = (value: PackedValue): string => {
    if (typeof value !== 'string') return numbered[Number(value)] ?? '';
    if (numbered.length < MOST_NUMBERED) numbered.push(value);
    return value;
  };

  return (packed) => {
    let at = 0;
    const take = (): PackedValue => {
      const value = packed[at];
      at += 1;
      return value ?? null;
    };

    const takeStatement = (): Statement => {
      const sql = sqlOf(take());
      const role = take();
      const count = Number(take());
      const columns = Number(take());
      const rows = Array.from({ length: count }, () => {
        at += columns;
        return packed.slice(at - columns, at) as SQLInputValue[];
      });
      if (role === GUARD) return { sql, rows, guard: true };
      return role === PUT ? { sql, rows, put: true } : { sql, rows };
    };

    const takeAppend = (): AppendUnit => {
      const [stream, expected, now, count] = [String(take()), Number(take()), Number(take()), Number(take())];
      const events = Array.from({ length: count }, () => {
        const [id, type, data, metadata] = [String(take()), String(take()), String(take()), String(take())];
        return { id, type, data, metadata };
      });
      return { kind: 'append', stream, expected, now, events };
    };

    const units: QueuedUnit[] = [];
    while (at < packed.length) {
      const id = Number(take());
      const durable = take() === true;
      if (take() === 'append') units.push({ id, durable, unit: takeAppend() });
      else {
        const statements = Array.from({ length: Number(take()) }, takeStatement);
        units.push({ id, durable, unit: { kind: 'statements', statements } });
      }
    }
    return units;
  };
}

export interface UnitOutcome {
  readonly id: number;
  readonly outcome: Outcome;
}

export function packOutcomes(outcomes: readonly UnitOutcome[]): Packed {
  const packed: PackedValue[] = [];
  for (const { id, outcome } of outcomes) {
    packed.push(id, outcome.kind);
    if (outcome.kind === 'appended') packed.push(outcome.revision, outcome.position, outcome.recordedAt);
    else if (outcome.kind === 'done') {
      packed.push(outcome.row === null ? -1 : outcome.row.length);
      for (const value of outcome.row ?? []) packed.push(value);
    }
  }
  return packed;
}

export function unpackOutcomes(packed: Packed): readonly UnitOutcome[] {
  const outcomes: UnitOutcome[] = [];
  for (let at = 0; at < packed.length; ) {
    const id = Number(packed[at]);
    const kind = packed[at + 1] as Outcome['kind'];
    at += 2;
    if (kind === 'appended') {
      const [revision, position, recordedAt] = packed.slice(at, at + 3) as [number, number, number | null];
      outcomes.push({ id, outcome: { kind, revision, position, recordedAt } });
      at += 3;
    } else if (kind === 'done') {
      const length = Number(packed[at]);
      const row = length < 0 ? null : (packed.slice(at + 1, at + 1 + length) as SQLOutputValue[]);
      outcomes.push({ id, outcome: { kind, row } });
      at += 1 + Math.max(length, 0);
    } else outcomes.push({ id, outcome: { kind } });
  }
  return outcomes;
}
