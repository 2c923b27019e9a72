import type { Condition, Document, FindOptions, Scalar, SortKey, Where } from '../../src/ports/read-store.ts';

/** The filter language over an array: what every read store is compared with. */

export function valueAt(document: Document, field: string): unknown {
  let value: unknown = document;
  for (const part of field.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined;
  }
  return value ?? null;
}

/** Null before everything; texts by code point, as databases compare UTF-8. */
export function compare(a: unknown, b: unknown): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}

function holds(value: unknown, condition: Condition): boolean {
  const { eq, ne, in: among, lt, lte, gt, gte, contains, hasPairs } = condition;
  const pairs = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return (
    (eq === undefined || value === eq) &&
    (ne === undefined || value !== ne) &&
    (among === undefined || among.includes(value as Scalar)) &&
    (lt === undefined || (value !== null && compare(value, lt) < 0)) &&
    (lte === undefined || (value !== null && compare(value, lte) <= 0)) &&
    (gt === undefined || (value !== null && compare(value, gt) > 0)) &&
    (gte === undefined || (value !== null && compare(value, gte) >= 0)) &&
    (contains === undefined || (typeof value === 'string' && value.includes(contains))) &&
    Object.entries(hasPairs ?? {}).every(([key, text]) => Object.hasOwn(pairs, key) && pairs[key] === text)
  );
}

export const matches = (document: Document, where: Where): boolean =>
  Object.entries(where).every(([field, condition]) => holds(valueAt(document, field), condition));

const comparing =
  (sort: readonly SortKey[]) =>
  (a: Document, b: Document): number => {
    for (const { field, direction } of [...sort, { field: 'id', direction: 'asc' as const }]) {
      const order = compare(valueAt(a, field), valueAt(b, field));
      if (order !== 0) return direction === 'asc' ? order : -order;
    }
    return 0;
  };

export function findIn(documents: readonly Document[], options: FindOptions): readonly Document[] {
  const { where = {}, sort = [], after, offset = 0, limit = Number.POSITIVE_INFINITY } = options;
  const inOrder = documents.filter((document) => matches(document, where)).sort(comparing(sort));
  const start = after === undefined ? 0 : inOrder.findIndex((document) => document.id === after.id) + 1;
  return inOrder.slice(start).slice(offset, offset + limit);
}
