import type { Document } from '../../ports/read-store.ts';

/**
 * A document as MongoDB keeps it. Positions are int64, not text: they compare as numbers on every server, cost eight
 * bytes, and a log never outgrows 2^63. A deleted document stays as a tombstone (`live: false`) with its position.
 */
export interface StoredDocument {
  readonly _id: string;
  readonly live: boolean;
  readonly position: bigint;
  readonly document?: Readonly<Record<string, unknown>>;
  /** True where some key of the document is written otherwise than it reads. */
  readonly escaped?: true;
  /** Milliseconds, by the writer's clock. */
  readonly deletedAt?: number;
}

/** What MongoDB or its driver would take for something else in a key: paths, operators, the end of text, BSON types. */
const RESERVED = /[%.$\0]/g;
const BSON_TYPE = '_bsontype';

/** A key as it is stored: percent signs, dots, dollars and NUL as `%XX`, and the empty key as a lone `%`. */
export function storedKey(key: string): string {
  if (key === '') return '%';
  if (key === BSON_TYPE) return '%5Fbsontype';
  return key.replace(
    RESERVED,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

const readKey = (stored: string): string => (stored === '%' ? '' : decodeURIComponent(stored));

type Escaping = { used: boolean };

function storedValue(value: unknown, escaping: Escaping): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => storedValue(item, escaping));
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    const stored = storedKey(key);
    if (stored !== key) escaping.used = true;
    entries.push([stored, storedValue(item, escaping)]);
  }
  // not by assignment, which takes `__proto__` for more than a key
  return Object.fromEntries(entries);
}

function readValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(readValue);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [readKey(key), readValue(item)]));
}

export function storedDocument(document: Document, position: bigint): StoredDocument {
  const escaping: Escaping = { used: false };
  const stored = storedValue(document, escaping) as Readonly<Record<string, unknown>>;
  return {
    _id: document.id,
    live: true,
    position,
    document: stored,
    ...(escaping.used ? { escaped: true as const } : {}),
  };
}

/** The document that was stored; null for a tombstone. */
export function readDocument({ live, document, escaped }: StoredDocument): Document | null {
  if (!live || document === undefined) return null;
  return (escaped === true ? readValue(document) : document) as Document;
}
