import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A response of the original, as its documentation shows it (samples/NOTICE). */
export const sample = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'samples', path), 'utf8'));

/** Names of the fields, in order, of an object or of the first of several. */
export function fieldsOf(value: unknown): readonly string[] {
  const [one] = Array.isArray(value) ? value : [value];
  return Object.keys(one ?? {}).sort();
}

/** Types of the fields; null where the value is. */
export function typesOf(value: unknown): Readonly<Record<string, string>> {
  const [one] = Array.isArray(value) ? value : [value];
  return Object.fromEntries(
    Object.entries(one ?? {}).map(([key, field]) => [
      key,
      field === null ? 'null' : Array.isArray(field) ? 'array' : typeof field,
    ]),
  );
}
