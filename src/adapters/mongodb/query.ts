import type { Filter, Sort } from 'mongodb';
import type { Condition, FindOptions, Scalar, SortKey, Where } from '../../ports/read-store.ts';
import { type StoredDocument, storedKey } from './stored-document.ts';

/** One condition on one path. */
interface Test {
  readonly path: string;
  readonly operator: '$eq' | '$ne' | '$in' | '$lt' | '$lte' | '$gt' | '$gte' | '$regex';
  readonly operand: unknown;
}

/** A query, its order and what it skips and takes: one seek in an index that begins with what is equal. */
export interface Query {
  readonly filter: Filter<StoredDocument>;
  readonly sort: Sort;
}

const FIELD_PATH = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** Where a field of a document lies in what is stored. Throws RangeError for what is no field. */
export function pathOf(field: string): string {
  if (!FIELD_PATH.test(field)) throw new RangeError(`not a field: ${JSON.stringify(field)}`);
  return field === 'id' ? '_id' : `document.${field}`;
}

/** Every query says so first, and every index begins with it: tombstones are never looked through. */
const LIVE: Test = { path: 'live', operator: '$eq', operand: true };

function testsOf(field: string, condition: Condition): readonly Test[] {
  const path = pathOf(field);
  const { eq, ne, in: among, lt, lte, gt, gte, contains, hasPairs } = condition;
  const tests: Test[] = [];
  const add = (operator: Test['operator'], operand: unknown): void => {
    if (operand !== undefined) tests.push({ path, operator, operand });
  };
  add('$eq', eq);
  add('$ne', ne);
  add('$in', among);
  add('$lt', lt);
  add('$lte', lte);
  add('$gt', gt);
  add('$gte', gte);
  add('$regex', contains === undefined ? undefined : literally(contains));
  for (const [key, text] of Object.entries(hasPairs ?? {})) {
    tests.push({ path: `${path}.${storedKey(key)}`, operator: '$eq', operand: text });
  }
  return tests;
}

/** A pattern that matches the text itself; NUL by its code, since a pattern ends there. */
const literally = (text: string): string =>
  text.replace(/[\\^$.*+?()[\]{}|/-]/g, (character) => `\\${character}`).replaceAll('\0', '\\x00');

/**
 * Tests on one path share an object; a second one of the same kind needs `$and`, and so does a pattern beside others: MongoDB
 * takes it in the same object, servers that speak its protocol may then leave the others out.
 */
function filterOf(tests: readonly Test[]): Filter<StoredDocument> {
  const byPath: Record<string, Record<string, unknown>> = {};
  const further: Record<string, unknown>[] = [];
  for (const { path, operator, operand } of tests) {
    const operators = byPath[path];
    if (operators === undefined) byPath[path] = { [operator]: operand };
    else if (operators[operator] === undefined && operator !== '$regex' && operators.$regex === undefined)
      operators[operator] = operand;
    else further.push({ [path]: { [operator]: operand } });
  }
  return (further.length === 0 ? byPath : { ...byPath, $and: further }) as Filter<StoredDocument>;
}

const testsOfWhere = (where: Where = {}): readonly Test[] => [
  LIVE,
  ...Object.entries(where).flatMap(([field, condition]) => testsOf(field, condition)),
];

/** The documents that match. */
export const matching = (where?: Where): Filter<StoredDocument> => filterOf(testsOfWhere(where));

/** The sort order made total: `id` ascending at its end, and nothing behind `id`. */
function totalOrder(sort: readonly SortKey[] = []): readonly SortKey[] {
  const atId = sort.findIndex((key) => key.field === 'id');
  return atId === -1 ? [...sort, { field: 'id', direction: 'asc' }] : sort.slice(0, atId + 1);
}

/** A part of the documents in the order: where it lies, and by what it is still to be sorted. */
interface Range {
  readonly tests: readonly Test[];
  readonly sort: readonly SortKey[];
}

const equals = (field: string, value: Scalar): Test => ({ path: pathOf(field), operator: '$eq', operand: value });

/**
 * What lies behind a document in the order, as ranges that follow each other: first those that share all its values but
 * the last, then all but the last two, and so on. Each is one seek; a single `$or` leaves the plan to the server.
 */
function rangesBehind(keys: readonly SortKey[], after: Readonly<Record<string, Scalar>>): readonly Range[] {
  const values = keys.map(({ field }) => {
    const value = after[field];
    if (value === undefined) throw new RangeError(`the document to start behind has no ${field}`);
    return value;
  });
  return keys
    .map((key, at): readonly Range[] => {
      const shared = keys.slice(0, at).map(({ field }, index) => equals(field, values[index] ?? null));
      return behindValue(key, values[at] ?? null, keys.slice(at + 1)).map(({ tests, sort }) => ({
        tests: [...shared, ...tests],
        sort,
      }));
    })
    .reverse()
    .flat();
}

/** Null comes before every value, so ascending all values lie behind it, and descending it lies behind all values. */
function behindValue(key: SortKey, value: Scalar, next: readonly SortKey[]): readonly Range[] {
  const path = pathOf(key.field);
  const sort = [key, ...next];
  if (key.direction === 'asc') {
    const test: Test =
      value === null ? { path, operator: '$ne', operand: null } : { path, operator: '$gt', operand: value };
    return [{ tests: [test], sort }];
  }
  if (value === null) return [];
  const smaller: Range = { tests: [{ path, operator: '$lt', operand: value }], sort };
  return key.field === 'id' ? [smaller] : [smaller, { tests: [equals(key.field, null)], sort: next }];
}

/** The queries whose documents, one after the other, are those asked for. Fields known to be equal need no sorting. */
export function queriesOf(options: FindOptions): readonly Query[] {
  const keys = totalOrder(options.sort);
  const tests = testsOfWhere(options.where);
  const fixed = (field: string): boolean => options.where?.[field]?.eq !== undefined;
  const ranges: readonly Range[] =
    options.after === undefined ? [{ tests: [], sort: keys }] : rangesBehind(keys, options.after);
  return ranges.map((range) => ({
    filter: filterOf([...tests, ...range.tests]),
    sort: range.sort
      .filter(({ field }) => !fixed(field))
      .map(({ field, direction }): [string, 1 | -1] => [pathOf(field), direction === 'asc' ? 1 : -1]),
  }));
}
