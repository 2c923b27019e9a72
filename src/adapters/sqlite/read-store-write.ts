import type { SQLInputValue } from 'node:sqlite';
import type { Change, Write } from '../../ports/read-store.ts';
import { putInto } from './put-rows.ts';
import { columnValue } from './read-store-layout.ts';
import type { Statement } from './writer-protocol.ts';

export const idOf = (change: Change): string => (change.kind === 'put' ? change.document.id : change.id);

/** Moves the checkpoint, or refuses the write when it is not where the writer left it. */
export function moveCheckpoint({ projection, version, from, to }: Write): Statement {
  if (from === null) {
    return {
      sql: `INSERT INTO checkpoints (position, event_id, collection, version) VALUES (?, ?, ?, ?)
        ON CONFLICT DO NOTHING RETURNING 1`,
      rows: [[to.position, to.eventId, projection, version]],
      guard: true,
    };
  }
  return {
    sql: `UPDATE checkpoints SET position = ?, event_id = ?
      WHERE collection = ? AND version = ? AND position = ? AND event_id = ? RETURNING 1`,
    rows: [[to.position, to.eventId, projection, version, from.position, from.eventId]],
    guard: true,
  };
}

/** `fields` are those that the table has columns for. A document only ever moves to a later position; a deletion leaves its position behind. */
export function changesOf(
  table: string,
  fields: readonly string[],
  { changes }: Write,
  now: number,
): readonly Statement[] {
  const puts: SQLInputValue[][] = [];
  const deletes: SQLInputValue[][] = [];
  for (const change of changes) {
    if (change.kind === 'put') {
      const { document, position, text } = change;
      const values = fields.map((field) => columnValue(document, field));
      puts.push([document.id, text ?? JSON.stringify(document), position, ...values]);
    } else deletes.push([change.id, change.position, now]);
  }
  const onlyForwards = `WHERE ${table}.position < excluded.position`;
  return [
    { sql: putInto(table, fields), rows: puts, put: true },
    {
      sql: `INSERT INTO ${table} (id, document, position, deleted_at) VALUES (?, NULL, ?, ?) ON CONFLICT (id) DO UPDATE
        SET document = NULL, position = excluded.position, deleted_at = excluded.deleted_at ${onlyForwards}`,
      rows: deletes,
    },
  ];
}
