/**
 * Extra specs, queries and expressions were written for the original, where values are Python's: a boolean counts as
 * 0 or 1, "1000" read from an extra spec is a number, an empty text is false.
 */

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const INFINITY = /^([+-]?)inf(inity)?$/i;

/** The number that a value stands for, or null. */
export function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isNaN(value) ? null : value;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value !== 'string') return null;
  const text = value.trim();
  if (NUMBER.test(text)) return Number(text);
  const infinity = INFINITY.exec(text);
  if (infinity === null) return null;
  return infinity[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

const TRUE_WORDS = new Set(['1', 't', 'true', 'on', 'y', 'yes']);

/** A boolean, or the spelling of one; anything else is false. */
export const booleanOf = (value: unknown): boolean =>
  typeof value === 'boolean' ? value : TRUE_WORDS.has(String(value).trim().toLowerCase());

/** Own property of a plain object; undefined for everything else. */
export const ownEntry = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;

const UUID_HEX = /^[0-9a-f]{32}$/;

/** Whether a hint is an id: a UUID with or without hyphens, braces or `urn:uuid:`. */
export const isUuidLike = (value: unknown): value is string =>
  typeof value === 'string' &&
  UUID_HEX.test(
    value
      .replace('urn:', '')
      .replace('uuid:', '')
      .replace(/^[{}]+|[{}]+$/g, '')
      .replaceAll('-', '')
      .toLowerCase(),
  );
