import { parse } from 'uuid';
import { sha1 } from './sha1.ts';

/** Namespace of every id that Scoria derives; fixed for ever, since ids in the log depend on it. */
const SCORIA_NAMESPACE = parse('6f0b7a52-2f0e-5c53-9a3e-8d7d0a1c4b11');

/** The last four digits in hexadecimal, with zeros before them. */
const hex4 = (word: number): string => ((word & 0xffff) | 0x10000).toString(16).slice(1);

/** A UUID (version 5, RFC 9562) that is the same for the same parts: retries of one request meet their own ids. */
export function deriveId(...parts: readonly (string | number)[]): string {
  const [a, b, c, d] = sha1(SCORIA_NAMESPACE, parts.join('\u001f'));
  const version = (b & 0x0fff) | 0x5000;
  const variant = ((c >>> 16) & 0x3fff) | 0x8000;
  return `${hex4(a >>> 16)}${hex4(a)}-${hex4(b >>> 16)}-${hex4(version)}-${hex4(variant)}-${hex4(c)}${hex4(d >>> 16)}${hex4(d)}`;
}

/** The id of a resource that a command creates; `role` keeps several resources of one command apart. */
export const resourceIdOf = (commandId: string, role: string): string => deriveId(commandId, role);

/** The id of the operation a command starts, known before its first append. */
export const operationIdOf = (commandId: string): string => deriveId(commandId, 'operation');

/**
 * The id of the n-th event that one command appends to one stream: a retried append deduplicates on it. `digest` is of
 * the event's data: two processes that were sent the same command may decide differently, and the store must not take
 * the second one's events for the first one's.
 */
export const eventIdOf = (commandId: string, stream: string, index: number, digest = ''): string =>
  digest === '' ? deriveId(commandId, stream, index) : deriveId(commandId, stream, index, digest);

/** The command id of what one attempt of an operation's step sends. */
export const outcomeCommandIdOf = (operationId: string, step: string, attempt: number): string =>
  deriveId(operationId, step, attempt);
