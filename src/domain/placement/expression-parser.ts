/** A filter_function or goodness_function taken apart (contract/scheduler.md §4, Expressions). */
export type Expression =
  | { readonly kind: 'constant'; readonly value: number | string }
  | { readonly kind: 'variable'; readonly scope: string; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly operand: Expression }
  | { readonly kind: 'not'; readonly operand: Expression }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'comparison'; readonly first: Expression; readonly rest: readonly ComparisonLink[] }
  | { readonly kind: 'choice'; readonly condition: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: 'logic'; readonly operator: 'and' | 'or'; readonly left: Expression; readonly right: Expression };

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '^';
export type ComparisonOperator = '<' | '<=' | '>' | '>=' | '==' | '!=' | '<>';

export interface ComparisonLink {
  readonly operator: ComparisonOperator;
  readonly operand: Expression;
}

/** What is wrong with an expression, or with the values it met. */
export class ExpressionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ExpressionError';
  }
}

interface Token {
  readonly kind: 'number' | 'word' | 'text' | 'symbol' | 'end';
  readonly text: string;
  readonly at: number;
}

const TOKEN =
  /\s*(?:(?<number>\d+\.\d+|\d+)|(?<word>[A-Za-z_.]+)|(?<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?<symbol><=|>=|==|!=|<>|&&|\|\||[-+*/^<>!?:(),]))/y;

const KEYWORDS: ReadonlyMap<string, string> = new Map([
  ['and', '&&'],
  ['AND', '&&'],
  ['or', '||'],
  ['OR', '||'],
  ['not', '!'],
  ['NOT', '!'],
]);

/** Bounds that keep parser and evaluator, both recursive, far from the end of the stack. */
const MAX_TOKENS = 2_000;
const MAX_NESTING = 100;

function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = source.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(source)?.groups;
    if (groups === undefined) throw new ExpressionError(`unexpected character after position ${at}`);
    tokens.push(tokenOf(groups, at));
    if (tokens.length > MAX_TOKENS) throw new ExpressionError('the expression is too long');
  }
  return tokens;
}

function tokenOf(groups: Readonly<Record<string, string | undefined>>, at: number): Token {
  if (groups.number !== undefined) return { kind: 'number', text: groups.number, at };
  if (groups.text !== undefined) return { kind: 'text', text: groups.text, at };
  if (groups.word === undefined) return { kind: 'symbol', text: String(groups.symbol), at };
  const keyword = KEYWORDS.get(groups.word);
  return keyword === undefined ? { kind: 'word', text: groups.word, at } : { kind: 'symbol', text: keyword, at };
}

const VARIABLE = /^([A-Za-z_]+)\.([A-Za-z_]+)$/;

const wordOf = (word: string): Expression => {
  const [, scope, name] = VARIABLE.exec(word) ?? [];
  // A bare word is a text, as in the original.
  if (scope === undefined || name === undefined) return { kind: 'constant', value: word };
  return { kind: 'variable', scope, name };
};

const withoutQuotes = (text: string): string => text.replaceAll(/["']/g, '');

/**
 * Parses an expression; throws ExpressionError. From tight to loose: function, `^` (to the right), sign, `* /`, `+ -`,
 * not, comparison (chained), `? :` (to the right), and, or.
 */
export function parseExpression(source: string): Expression {
  const tokens = tokensOf(source);
  let position = 0;
  let nesting = 0;

  const peek = (): Token => tokens[position] ?? { kind: 'end', text: 'the end', at: source.length };

  /** Takes the next token when it is one of these symbols. */
  const take = <Symbol extends string>(...symbols: readonly Symbol[]): Symbol | null => {
    const token = peek();
    const found = token.kind === 'symbol' ? symbols.find((symbol) => symbol === token.text) : undefined;
    if (found === undefined) return null;
    position += 1;
    return found;
  };

  const unexpected = (wanted: string): ExpressionError => {
    const token = peek();
    return new ExpressionError(`expected ${wanted}, found ${token.text} at position ${token.at}`);
  };

  const need = (symbol: string): void => {
    if (take(symbol) === null) throw unexpected(symbol);
  };

  const nested = <Result>(inside: () => Result): Result => {
    nesting += 1;
    if (nesting > MAX_NESTING) throw new ExpressionError('the expression is nested too deeply');
    const result = inside();
    need(')');
    nesting -= 1;
    return result;
  };

  const argumentsOf = (): readonly Expression[] => {
    const args = [alternative()];
    while (take(',') !== null) args.push(alternative());
    return args;
  };

  const operand = (): Expression => {
    if (take('(') !== null) return nested(alternative);
    const token = peek();
    if (token.kind === 'symbol' || token.kind === 'end') throw unexpected('a value');
    position += 1;
    if (token.kind === 'number') return { kind: 'constant', value: Number(token.text) };
    if (token.kind === 'text') return { kind: 'constant', value: withoutQuotes(token.text) };
    if (take('(') !== null) return { kind: 'call', name: token.text, args: nested(argumentsOf) };
    return wordOf(token.text);
  };

  const power = (): Expression => {
    const left = operand();
    return take('^') === null ? left : { kind: 'arithmetic', operator: '^', left, right: power() };
  };

  const signed = (): Expression => {
    const operator = take('+', '-');
    return operator === null ? power() : { kind: 'sign', operator, operand: signed() };
  };

  const leftToRight = <Operator extends ArithmeticOperator>(
    next: () => Expression,
    ...operators: readonly Operator[]
  ): Expression => {
    let left = next();
    for (let operator = take(...operators); operator !== null; operator = take(...operators)) {
      left = { kind: 'arithmetic', operator, left, right: next() };
    }
    return left;
  };

  const product = (): Expression => leftToRight(signed, '*', '/');
  const sum = (): Expression => leftToRight(product, '+', '-');

  const negation = (): Expression => (take('!') === null ? sum() : { kind: 'not', operand: negation() });

  const comparison = (): Expression => {
    const first = negation();
    const rest: ComparisonLink[] = [];
    const next = (): ComparisonOperator | null => take('<', '<=', '>', '>=', '==', '!=', '<>');
    for (let operator = next(); operator !== null; operator = next()) rest.push({ operator, operand: negation() });
    return rest.length === 0 ? first : { kind: 'comparison', first, rest };
  };

  const choice = (): Expression => {
    const condition = comparison();
    if (take('?') === null) return condition;
    const yes = choice();
    need(':');
    return { kind: 'choice', condition, yes, no: choice() };
  };

  const conjunction = (): Expression => {
    let left = choice();
    while (take('&&') !== null) left = { kind: 'logic', operator: 'and', left, right: choice() };
    return left;
  };

  const alternative = (): Expression => {
    let left = conjunction();
    while (take('||') !== null) left = { kind: 'logic', operator: 'or', left, right: conjunction() };
    return left;
  };

  const expression = alternative();
  if (peek().kind !== 'end') throw unexpected('an operator');
  return expression;
}
