import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { preparePut } from './put-rows.ts';
import type { StatementsOutcome, StatementsUnit } from './writer-protocol.ts';

const MAX_PREPARED = 200;
/** Tables; each keeps some statements. */
const MAX_PUTS = 50;

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

  const puts = new Map<string, (row: readonly SQLInputValue[]) => void>();

  const putOf = (target: string) => {
    const known = puts.get(target);
    if (known !== undefined) return known;
    const put = preparePut(database, target);
    if (puts.size >= MAX_PUTS) puts.clear();
    puts.set(target, put);
    return put;
  };

  return (unit) => {
    let returned: readonly SQLOutputValue[] | null = null;
    for (const { sql, rows, guard, put } of unit.statements) {
      if (put === true) {
        if (rows.length > 0) rows.forEach(putOf(sql));
        continue;
      }
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
