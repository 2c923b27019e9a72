import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { StatementsOutcome, StatementsUnit } from './writer-protocol.ts';

const MAX_PREPARED = 200;

/** Runs statements inside an open transaction; a unit whose guard changes nothing does nothing. */
export function prepareStatements(database: DatabaseSync): (unit: StatementsUnit) => StatementsOutcome {
  const prepared = new Map<string, StatementSync>();

  const statementOf = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    if (prepared.size >= MAX_PREPARED) prepared.clear();
    const statement = database.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };

  return (unit) => {
    let returned: readonly SQLOutputValue[] | null = null;
    for (const { sql, rows, guard } of unit.statements) {
      const statement = statementOf(sql);
      for (const row of rows) {
        if (guard === undefined) {
          statement.run(...row);
          continue;
        }
        const given = statement.get(...row) as unknown as readonly SQLOutputValue[] | undefined;
        if (given === undefined) return { kind: 'refused' };
        returned = given;
      }
    }
    return { kind: 'done', row: returned };
  };
}
