import { badRequest } from './faults.ts';

/** Spellings of booleans in queries, any case. */
const TRUE_STRINGS: ReadonlySet<string> = new Set(['1', 't', 'true', 'on', 'y', 'yes']);
const FALSE_STRINGS: ReadonlySet<string> = new Set(['0', 'f', 'false', 'off', 'n', 'no']);

/** True or false, or undefined for a text that is neither. */
export function booleanOf(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (TRUE_STRINGS.has(word)) return true;
  return FALSE_STRINGS.has(word) ? false : undefined;
}

/** A strict boolean of a query; absent is false. `name` is what the fault calls it (contract/errors.md §5). */
export function booleanParam(query: Readonly<Record<string, string>>, key: string, name: string = key): boolean {
  const text = query[key];
  if (text === undefined) return false;
  const value = booleanOf(text);
  if (value === undefined) throw badRequest(`Value '${text}' for '${name}' is not a boolean.`);
  return value;
}
