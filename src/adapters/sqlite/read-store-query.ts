import type { SQLInputValue } from 'node:sqlite';
import type { Condition, FindOptions, Scalar, SortKey, Where } from '../../ports/read-store.ts';
import { IS_LIVE } from './read-store-layout.ts';

/** A piece of SQL and what it binds. */
export interface Sql {
  readonly text: string;
  readonly parameters: readonly SQLInputValue[];
}

const sql = (text: string, ...parameters: readonly SQLInputValue[]): Sql => ({ text, parameters });

/** `json_extract` gives booleans as 1 and 0. */
const bound = (value: Scalar): SQLInputValue => (typeof value === 'boolean' ? Number(value) : value);

const joined = (parts: readonly Sql[]): Sql => ({
  text: parts.map((part) => part.text).join(' AND '),
  parameters: parts.flatMap((part) => part.parameters),
});

/** How a field's value is said in SQL: in a table that has columns for some. */
export type FieldInSql = (field: string) => string;

/** The documents that match: always an expression, also without conditions. */
export const matching = (inSql: FieldInSql, where: Where = {}): Sql =>
  joined([
    sql(IS_LIVE),
    ...Object.entries(where).flatMap(([field, condition]) => conditionsOf(inSql(field), condition)),
  ]);

function conditionsOf(value: string, condition: Condition): readonly Sql[] {
  const { eq, ne, in: among, contains, hasPairs } = condition;
  const parts: Sql[] = [];
  if (eq !== undefined) parts.push(equals(value, eq));
  if (ne !== undefined) parts.push(ne === null ? sql(`${value} IS NOT NULL`) : sql(`${value} IS NOT ?`, bound(ne)));
  if (among !== undefined) parts.push(oneOf(value, among));
  if (condition.lt !== undefined) parts.push(sql(`${value} < ?`, condition.lt));
  if (condition.lte !== undefined) parts.push(sql(`${value} <= ?`, condition.lte));
  if (condition.gt !== undefined) parts.push(sql(`${value} > ?`, condition.gt));
  if (condition.gte !== undefined) parts.push(sql(`${value} >= ?`, condition.gte));
  if (contains !== undefined) parts.push(sql(`instr(${value}, ?) > 0`, contains));
  for (const [key, text] of Object.entries(hasPairs ?? {})) {
    const pairs = `json_each(${value})`;
    parts.push(sql(`EXISTS (SELECT 1 FROM ${pairs} WHERE key = ? AND value = ? AND type = 'text')`, key, text));
  }
  return parts;
}

const equals = (value: string, to: Scalar): Sql =>
  to === null ? sql(`${value} IS NULL`) : sql(`${value} = ?`, bound(to));

function oneOf(value: string, among: readonly Scalar[]): Sql {
  // One parameter whatever the number of values: the statement stays the same and prepared.
  const some = sql(
    `${value} IN (SELECT value FROM json_each(?))`,
    JSON.stringify(among.filter((item) => item !== null)),
  );
  return among.includes(null) ? sql(`(${some.text} OR ${value} IS NULL)`, ...some.parameters) : some;
}

/** The sort order made total: `id` ascending at its end, and nothing behind `id`. */
export function totalOrder(sort: readonly SortKey[] = []): readonly SortKey[] {
  const atId = sort.findIndex((key) => key.field === 'id');
  return atId === -1 ? [...sort, { field: 'id', direction: 'asc' }] : sort.slice(0, atId + 1);
}

/** A part of the documents in the order: where it lies, and by what it is still to be sorted. */
interface Range {
  readonly where: Sql;
  readonly sort: readonly SortKey[];
}

/**
 * What lies behind a document in the order, as ranges that follow each other: first those that share all its values but
 * the last, then all but the last two, and so on. Each is one seek in an index, whatever directions and nulls there are.
 */
function rangesBehind(
  inSql: FieldInSql,
  keys: readonly SortKey[],
  after: Readonly<Record<string, Scalar>>,
): readonly Range[] {
  const values = keys.map(({ field }) => {
    const value = after[field];
    if (value === undefined) throw new RangeError(`the document to start behind has no ${field}`);
    return value;
  });
  return keys
    .map((key, at): readonly Range[] => {
      const shared = keys.slice(0, at).map(({ field }, index) => equals(inSql(field), values[index] ?? null));
      return behindValue(inSql, key, values[at] ?? null, keys.slice(at + 1)).map(({ where, sort }) => ({
        where: joined([...shared, where]),
        sort,
      }));
    })
    .reverse()
    .flat();
}

/** Null comes before every value, so ascending all values lie behind it, and descending it lies behind all values. */
function behindValue(inSql: FieldInSql, key: SortKey, value: Scalar, next: readonly SortKey[]): readonly Range[] {
  const column = inSql(key.field);
  const sort = [key, ...next];
  if (key.direction === 'asc') {
    return [{ where: sql(`${column} > ?`, value === null ? Number.NEGATIVE_INFINITY : bound(value)), sort }];
  }
  if (value === null) return [];
  const smaller = { where: sql(`${column} < ?`, bound(value)), sort };
  return key.field === 'id' ? [smaller] : [smaller, { where: equals(column, null), sort: next }];
}

/**
 * The queries whose rows, one after the other, are the documents asked for; each takes LIMIT and OFFSET at its end.
 * Fields known to be equal are left out of ORDER BY: SQLite would sort by them again.
 */
export function queriesOf(table: string, options: FindOptions, inSql: FieldInSql): readonly Sql[] {
  const keys = totalOrder(options.sort);
  const where = matching(inSql, options.where);
  const fixed = (field: string): boolean => options.where?.[field]?.eq !== undefined;
  const ranges = options.after === undefined ? [{ where: null, sort: keys }] : rangesBehind(inSql, keys, options.after);
  return ranges.map((range) => {
    const { text, parameters } = range.where === null ? where : joined([where, range.where]);
    const order = range.sort
      .filter(({ field }) => !fixed(field))
      .map(({ field, direction }) => `${inSql(field)} ${direction === 'asc' ? 'ASC' : 'DESC'}`);
    const orderBy = order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`;
    return { text: `SELECT id, document FROM ${table} WHERE ${text}${orderBy} LIMIT ? OFFSET ?`, parameters };
  });
}
