import { match } from 'ts-pattern';
import {
  type ArithmeticOperator,
  type ComparisonOperator,
  type Expression,
  ExpressionError,
  parseExpression,
} from './expression-parser.ts';
import type { PoolFacts } from './pool-facts.ts';
import { numberOf, ownEntry } from './python-values.ts';

export type ExpressionValue = number | string | boolean;

/** What an expression may name, by scope: `stats.x`, `capabilities.x`, `extra.x`, `qos.x`, `volume.x`. */
export type ExpressionVariables = Readonly<Record<string, PoolFacts>>;

export type Evaluation =
  | { readonly kind: 'value'; readonly value: ExpressionValue }
  | { readonly kind: 'error'; readonly reason: string };

/**
 * Evaluates a filter_function or goodness_function. Division is floating; an unknown key, a division by zero, a value
 * that is not one number or text, or a text in arithmetic is an error. (contract/scheduler.md §4, Expressions)
 */
export function evaluateExpression(source: string, variables: ExpressionVariables): Evaluation {
  try {
    return { kind: 'value', value: resultOf(parseExpression(source), variables) };
  } catch (error) {
    if (error instanceof ExpressionError) return { kind: 'error', reason: error.message };
    throw error;
  }
}

/** Whether a result counts as true: not 0, not an empty text. */
export const isTruthy = (value: ExpressionValue): boolean => value !== false && value !== 0 && value !== '';

function resultOf(expression: Expression, variables: ExpressionVariables): ExpressionValue {
  const of = (part: Expression): ExpressionValue => resultOf(part, variables);
  return match(expression)
    .returnType<ExpressionValue>()
    .with({ kind: 'constant' }, ({ value }) => value)
    .with({ kind: 'variable' }, ({ scope, name }) => variableOf(variables, scope, name))
    .with({ kind: 'call' }, ({ name, args }) => call(name, args.map(of)))
    .with({ kind: 'sign' }, ({ operator, operand }) =>
      operator === '-' ? -toNumber(of(operand)) : toNumber(of(operand)),
    )
    .with({ kind: 'not' }, ({ operand }) => !isTruthy(of(operand)))
    .with({ kind: 'arithmetic' }, ({ operator, left, right }) =>
      calculate(operator, toNumber(of(left)), toNumber(of(right))),
    )
    .with({ kind: 'comparison' }, ({ first, rest }) => {
      let left = of(first);
      return rest.every(({ operator, operand }) => {
        const right = of(operand);
        const holds = compare(operator, left, right);
        left = right;
        return holds;
      });
    })
    .with({ kind: 'choice' }, ({ condition, yes, no }) => (isTruthy(of(condition)) ? of(yes) : of(no)))
    .with({ kind: 'logic' }, ({ operator, left: leftPart, right: rightPart }) => {
      // Both sides are evaluated, so that an error on either is an error, as in the original.
      const left = of(leftPart);
      const right = of(rightPart);
      return isTruthy(left) === (operator === 'and') ? right : left;
    })
    .exhaustive();
}

function variableOf(variables: ExpressionVariables, scope: string, name: string): ExpressionValue {
  const value = ownEntry(ownEntry(variables, scope), name);
  if (value === undefined) throw new ExpressionError(`${scope}.${name} is not known`);
  const number = numberOf(value);
  if (number !== null) return number;
  if (typeof value !== 'string') throw new ExpressionError(`${scope}.${name} is neither a number nor a text`);
  return value.replaceAll(/["']/g, '');
}

function toNumber(value: ExpressionValue): number {
  if (typeof value === 'string') throw new ExpressionError(`the text '${value}' is not a number`);
  return Number(value);
}

/** max and min give one of their arguments as it is: the larger of two comparisons is true or false, not 1 or 0. */
function call(name: string, args: readonly ExpressionValue[]): ExpressionValue {
  const [first, ...others] = args;
  if (first !== undefined && others.length === 0 && name === 'abs') return Math.abs(toNumber(first));
  if (first === undefined || others.length === 0 || (name !== 'max' && name !== 'min')) {
    throw new ExpressionError(`there is no function ${name} of ${args.length} arguments`);
  }
  const sign = name === 'max' ? 1 : -1;
  return others.reduce((best, value) => (sign * toNumber(value) > sign * toNumber(best) ? value : best), first);
}

function calculate(operator: ArithmeticOperator, left: number, right: number): number {
  return match(operator)
    .with('+', () => left + right)
    .with('-', () => left - right)
    .with('*', () => left * right)
    .with('/', () => {
      if (right === 0) throw new ExpressionError('division by zero');
      return left / right;
    })
    .with('^', () => {
      const result = left ** right;
      if (!Number.isFinite(result)) throw new ExpressionError(`${left} ^ ${right} is not a number`);
      return result;
    })
    .exhaustive();
}

/** Less than 0, 0 or more than 0; texts compare with texts and numbers with numbers. */
function order(left: ExpressionValue, right: ExpressionValue): number {
  const direction = <T extends number | string>(a: T, b: T): number => (a < b ? -1 : Number(a > b));
  if (typeof left === 'string' && typeof right === 'string') return direction(left, right);
  return direction(toNumber(left), toNumber(right));
}

function equal(left: ExpressionValue, right: ExpressionValue): boolean {
  if (typeof left === 'string' || typeof right === 'string') return left === right;
  return Number(left) === Number(right);
}

function compare(operator: ComparisonOperator, left: ExpressionValue, right: ExpressionValue): boolean {
  return match(operator)
    .with('<', () => order(left, right) < 0)
    .with('<=', () => order(left, right) <= 0)
    .with('>', () => order(left, right) > 0)
    .with('>=', () => order(left, right) >= 0)
    .with('==', () => equal(left, right))
    .with('!=', '<>', () => !equal(left, right))
    .exhaustive();
}
