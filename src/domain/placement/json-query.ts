import type { PoolFacts } from './pool-facts.ts';
import { ownEntry } from './python-values.ts';

export type QueryAnswer =
  | { readonly kind: 'answer'; readonly passes: boolean }
  | { readonly kind: 'error'; readonly reason: string };

class QueryError extends Error {}

type Operation = (args: readonly unknown[]) => unknown;

/** Clients send the query, so its depth is bounded before recursion meets the end of the stack. */
const MAX_DEPTH = 100;

/** Python's truth, but a list (what `not` gives) is true when any of it is, wherever it stands. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isTrue);
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

const comparable = (value: unknown): unknown => (typeof value === 'boolean' ? Number(value) : value);

const areEqual = (left: unknown, right: unknown): boolean => comparable(left) === comparable(right);

function order(left: unknown, right: unknown): number {
  const a = comparable(left);
  const b = comparable(right);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  throw new QueryError(`${JSON.stringify(left)} and ${JSON.stringify(right)} cannot be compared`);
}

/** The first argument against all others; false when there is nothing to compare with. */
const againstAll =
  (holds: (first: unknown, other: unknown) => boolean): Operation =>
  ([first, ...others]) =>
    others.length > 0 && others.every((other) => holds(first, other));

const OPERATIONS: ReadonlyMap<unknown, Operation> = new Map<unknown, Operation>([
  ['=', againstAll(areEqual)],
  ['<', againstAll((first, other) => order(first, other) < 0)],
  ['>', againstAll((first, other) => order(first, other) > 0)],
  ['<=', againstAll((first, other) => order(first, other) <= 0)],
  ['>=', againstAll((first, other) => order(first, other) >= 0)],
  ['in', ([first, ...others]) => others.some((other) => areEqual(first, other))],
  ['not', (args) => args.map((arg) => !isTrue(arg))],
  ['or', (args) => args.some(isTrue)],
  ['and', (args) => args.every(isTrue)],
]);

/** `$name` or `$name.key`: an attribute of the pool; null where there is none. Other texts stand for themselves. */
function textValue(text: string, state: PoolFacts): unknown {
  if (text === '') return null;
  if (!text.startsWith('$')) return text;
  return text.slice(1).split('.').reduce<unknown>(ownEntry, state) ?? null;
}

function evaluate(query: readonly unknown[], state: PoolFacts, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new QueryError('the query is nested too deeply');
  if (query.length === 0) return true;
  const [name, ...rawArgs] = query;
  const operation = OPERATIONS.get(name);
  if (operation === undefined) throw new QueryError(`the query has no operator ${JSON.stringify(name)}`);
  const args = rawArgs.map((arg) => {
    if (Array.isArray(arg)) return evaluate(arg, state, depth + 1);
    return typeof arg === 'string' ? textValue(arg, state) : arg;
  });
  return operation(args.filter((arg) => arg !== null));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new QueryError('the query is not valid JSON');
  }
}

/**
 * Asks a pool the query of a hint: a JSON text of prefix lists over `$name` lookups. An empty query passes; one that
 * cannot be read, or compares a number with a text, is an error. (contract/scheduler.md §4, Json)
 */
export function answerQuery(text: unknown, state: PoolFacts): QueryAnswer {
  if (text === undefined || text === null || text === '') return { kind: 'answer', passes: true };
  if (typeof text !== 'string') return { kind: 'error', reason: 'the query is not a JSON text' };
  try {
    const query = parse(text);
    if (Array.isArray(query)) return { kind: 'answer', passes: isTrue(evaluate(query, state, 0)) };
    if (!isTrue(query)) return { kind: 'answer', passes: true };
    return { kind: 'error', reason: 'the query is not a list' };
  } catch (error) {
    if (error instanceof QueryError) return { kind: 'error', reason: error.message };
    throw error;
  }
}
