/**
 * Filter values pass through a parser of Python literals, as in the original: `{'k': 'v'}`, `['a', 'b']`, `5`, `None`,
 * `True`. JSON-looking objects work too. What is no literal stays text (contract/errors.md §5).
 */
export type Literal = null | boolean | number | string | readonly Literal[] | { readonly [key: string]: Literal };

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/;
const MAX_DEPTH = 8;

/** The value of a literal; undefined when the text is none. */
export function parseLiteral(text: string): Literal | undefined {
  const reader = { text: text.trim(), at: 0 };
  const value = readValue(reader, 0);
  skipSpace(reader);
  return value !== undefined && reader.at === reader.text.length ? value : undefined;
}

interface Reader {
  readonly text: string;
  at: number;
}

function readValue(reader: Reader, depth: number): Literal | undefined {
  if (depth > MAX_DEPTH) return undefined;
  skipSpace(reader);
  const next = reader.text[reader.at];
  if (next === "'" || next === '"') return readText(reader, next);
  if (next === '{') return readObject(reader, depth);
  if (next === '[') return readItems(reader, ']', depth);
  if (next === '(') return readItems(reader, ')', depth);
  return readWord(reader);
}

function readWord(reader: Reader): Literal | undefined {
  for (const [word, value] of WORDS) {
    if (reader.text.startsWith(word, reader.at)) {
      reader.at += word.length;
      return value;
    }
  }
  const match = NUMBER.exec(reader.text.slice(reader.at));
  if (match === null) return undefined;
  // Python refuses a leading zero: such a text is a name, not a number
  if (/^[+-]?0\d/.test(match[0])) return undefined;
  reader.at += match[0].length;
  return Number(match[0]);
}

const WORDS: readonly (readonly [string, Literal])[] = [
  ['None', null],
  ['True', true],
  ['False', false],
];

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

function readText(reader: Reader, quote: string): string | undefined {
  let value = '';
  for (reader.at += 1; reader.at < reader.text.length; reader.at += 1) {
    const character = reader.text[reader.at] ?? '';
    if (character === quote) {
      reader.at += 1;
      return value;
    }
    if (character === '\\') {
      reader.at += 1;
      const escaped = reader.text[reader.at] ?? '';
      value += ESCAPES[escaped] ?? `\\${escaped}`;
    } else value += character;
  }
  return undefined;
}

function readItems(reader: Reader, end: string, depth: number): readonly Literal[] | undefined {
  const items: Literal[] = [];
  reader.at += 1;
  for (;;) {
    skipSpace(reader);
    if (reader.text[reader.at] === end) break;
    const item = readValue(reader, depth + 1);
    if (item === undefined) return undefined;
    items.push(item);
    if (!readComma(reader, end)) return undefined;
  }
  reader.at += 1;
  return items;
}

function readObject(reader: Reader, depth: number): { readonly [key: string]: Literal } | undefined {
  const entries: [string, Literal][] = [];
  reader.at += 1;
  for (;;) {
    skipSpace(reader);
    if (reader.text[reader.at] === '}') break;
    const key = readValue(reader, depth + 1);
    skipSpace(reader);
    if (key === undefined || typeof key === 'object' || reader.text[reader.at] !== ':') return undefined;
    reader.at += 1;
    const value = readValue(reader, depth + 1);
    if (value === undefined) return undefined;
    entries.push([String(key), value]);
    if (!readComma(reader, '}')) return undefined;
  }
  reader.at += 1;
  return Object.fromEntries(entries);
}

/** Passes a comma, or stays before the end; false where neither follows. */
function readComma(reader: Reader, end: string): boolean {
  skipSpace(reader);
  if (reader.text[reader.at] === end) return true;
  if (reader.text[reader.at] !== ',') return false;
  reader.at += 1;
  return true;
}

function skipSpace(reader: Reader): void {
  while (/\s/.test(reader.text[reader.at] ?? '')) reader.at += 1;
}
