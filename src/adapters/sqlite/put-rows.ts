import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { columnOf } from './read-store-layout.ts';

type Row = readonly SQLInputValue[];

/** What lies at the beginning of a row: id, document, position. */
const HEAD = 3;

/** Names the table and the fields that it has columns for, in place of SQL. */
export const putInto = (table: string, fields: readonly string[]): string => JSON.stringify([table, fields]);

/**
 * Puts documents into a table: rows of id, document, position and the value of each field that has a column. Only the
 * columns that change are written, and so only the indexes they are in: most changes of a document leave most of what it
 * is found by alone. A document only ever moves to a later position.
 */
export function preparePut(database: DatabaseSync, target: string): (row: Row) => void {
  const [table, fields] = JSON.parse(target) as readonly [string, readonly string[]];
  const columns = fields.map(columnOf);
  const updates = new Map<string, StatementSync>();
  const before = database.prepare(
    `SELECT ${['position', 'deleted_at', ...columns].join(', ')} FROM ${table} WHERE id = ?`,
  );
  const insert = database.prepare(
    `INSERT INTO ${table} (${['id', 'document', 'position', ...columns].join(', ')})
      VALUES (${Array(HEAD + columns.length)
        .fill('?')
        .join(', ')}) ON CONFLICT DO NOTHING`,
  );
  /** Tables that only grow are spared looking for what is not there. */
  let isGrowing = false;

  const updateOf = (changed: readonly number[], revives: boolean): StatementSync => {
    const key = `${revives} ${changed.join()}`;
    let update = updates.get(key);
    if (update === undefined) {
      const set = changed.map((index) => `, ${columns[index]} = ?`).join('');
      const revive = revives ? ', deleted_at = NULL' : '';
      update = database.prepare(`UPDATE ${table} SET document = ?, position = ?${revive}${set} WHERE id = ?`);
      updates.set(key, update);
    }
    return update;
  };

  return (row) => {
    if (isGrowing && insert.run(...row).changes === 1) return;
    const [id = null, document = null, position = null, ...values] = row;
    const old = before.get(id) as unknown as readonly (string | number | null)[] | undefined;
    isGrowing = old === undefined;
    if (old === undefined) {
      insert.run(...row);
      return;
    }
    const [oldPosition, deletedAt, ...oldValues] = old;
    if (Number(oldPosition) >= Number(position)) return;
    const changed = values.flatMap((value, index) => (isSame(value, oldValues[index] ?? null) ? [] : [index]));
    const newValues = changed.map((index) => values[index] ?? null);
    updateOf(changed, deletedAt !== null).run(document, position, ...newValues, id);
  };
}

/** Whole numbers are bound as bigints, and come back as numbers. */
const isSame = (value: SQLInputValue, old: string | number | null): boolean =>
  (typeof value === 'bigint' ? Number(value) : value) === old;
