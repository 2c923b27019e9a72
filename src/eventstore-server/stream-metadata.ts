import type { RecordedEvent } from '../ports/event-store.ts';
import { wireContentOf } from './content.ts';
import { LAST_NUMBER } from './wire.ts';

/** What the metadata of a stream hides from its readers. */
export interface StreamLimits {
  /** `$maxCount`: only so many of the last events. */
  readonly maxCount?: bigint;
  /** `$maxAge`, given in seconds. */
  readonly maxAgeMs?: number;
  /** `$tb`: nothing before this revision; the largest there is hides the whole stream, which is then as good as absent. */
  readonly truncateBefore?: bigint;
}

/** What every metastream has: only its last event counts. */
export const METASTREAM_LIMITS: StreamLimits = { maxCount: 1n };

const NUMBERS: ReadonlySet<string> = new Set(['$maxCount', '$maxAge', '$tb', '$cacheControl']);
const INTEGER = /^-?\d+$/;

/** Not a number that can be taken: one such makes the whole metadata void. */
const VOID = Symbol('void');

/** The limits in a `$metadata` event; none where it is not JSON, or where a number in it is none, as the real server reads it. */
export function limitsOf(event: RecordedEvent): StreamLimits {
  const { json, data } = wireContentOf(event);
  return json ? parseLimits(Buffer.from(data).toString('utf8')) : {};
}

export function parseLimits(text: string): StreamLimits {
  const metadata = parseExactly(text);
  if (metadata === null) return {};
  const numberAt = (key: string): bigint | null => (typeof metadata[key] === 'bigint' ? metadata[key] : null);
  for (const key of NUMBERS) if (metadata[key] !== undefined && numberAt(key) === null) return {};
  const maxCount = numberAt('$maxCount');
  const maxAge = numberAt('$maxAge');
  const truncateBefore = numberAt('$tb');
  return {
    ...(maxCount !== null && maxCount > 0n ? { maxCount } : {}),
    ...(maxAge !== null && maxAge > 0n ? { maxAgeMs: Number(maxAge) * 1000 } : {}),
    ...(truncateBefore !== null && truncateBefore >= 0n ? { truncateBefore } : {}),
  };
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** The object with its known numbers as they are written: the largest revision does not fit a JavaScript number. */
function parseExactly(text: string): Record<string, unknown> | null {
  const exactly: Reviver = (key, value, { source = '' }) => {
    if (!NUMBERS.has(key) || typeof value !== 'number') return value;
    const exact = INTEGER.test(source) ? BigInt(source) : null;
    return exact !== null && exact >= -LAST_NUMBER - 1n && exact <= LAST_NUMBER ? exact : VOID;
  };
  try {
    const value: unknown = JSON.parse(text, exactly as (key: string, value: unknown) => unknown);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Metadata of a deleted stream: everything is hidden. */
export const DELETED_METADATA = `{"$tb":${LAST_NUMBER}}`;

/**
 * The metadata of a deleted stream that is appended to again: what was in it, and from where it begins anew. Null where
 * it is no JSON object.
 */
export function undeletedMetadata(text: string, firstRevision: bigint): string | null {
  try {
    const metadata: unknown = JSON.parse(text);
    if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return null;
    return JSON.stringify({ ...metadata, $tb: Number(firstRevision) });
  } catch {
    return null;
  }
}
