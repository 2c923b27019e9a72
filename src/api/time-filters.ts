import type { Condition } from '../ports/read-store.ts';
import { badRequest } from './faults.ts';

const OPERATORS = { gt: 'gt', gte: 'gte', eq: 'eq', neq: 'ne', lt: 'lt', lte: 'lte' } as const;

const ISO_8601 = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

const isOperator = (word: string): word is keyof typeof OPERATORS => Object.hasOwn(OPERATORS, word);

/**
 * Comparisons such as `gt:2020-01-01T00:00:00,lt:2021-01-01T00:00:00`; times without a zone are UTC
 * (contract/errors.md §5). Throws 400.
 */
export function timeConditionOf(filter: string): Condition {
  const condition: { -readonly [key in keyof Condition]: Condition[key] } = {};
  for (const part of filter.split(',')) {
    const colon = part.indexOf(':');
    const operator = (colon < 0 ? part : part.slice(0, colon)).trim();
    if (!isOperator(operator)) throw badRequest(`Invalid ${operator} operator`);
    condition[OPERATORS[operator]] = instantOf(part.slice(colon + 1).trim());
  }
  return condition;
}

function instantOf(text: string): number {
  const match = ISO_8601.exec(text);
  const dated = text.length === 10 || match?.[1] !== undefined ? text : `${text}Z`;
  const at = match === null ? Number.NaN : Date.parse(dated.replace(' ', 'T'));
  if (Number.isNaN(at)) throw badRequest(`Invalid ${text} value`);
  return at;
}
