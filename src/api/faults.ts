import { match } from 'ts-pattern';
import type { ZodError } from 'zod';
import { UnreadableEvent } from '../domain/kernel/event.ts';
import { kindOf, type Rejection } from '../domain/kernel/rejection.ts';
import { StoreUnavailable } from '../ports/event-store.ts';
import { validationMessage } from './validation-message.ts';

/**
 * The one place that says which HTTP answer a refusal or a thrown error is (contract/errors.md §3).
 * Every fault body has one key, whose value is `{code, message}`.
 */
export class Fault extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'Fault';
    this.status = status;
    this.headers = headers;
  }
}

/** What is sent for a fault; an empty body (412) is `null`. */
export interface FaultAnswer {
  readonly status: number;
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** True where nothing the client did explains it: it is logged as an error. */
  readonly unexpected: boolean;
}

const FAULT_KEYS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  406: 'computeFault',
  408: 'requestTimeout',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  431: 'badRequest',
  500: 'computeFault',
  501: 'notImplemented',
  502: 'computeFault',
  503: 'serviceUnavailable',
};

/** Names that a client sent may be long; a sentence that repeats them is cut. */
const MAX_MESSAGE = 1_000;

const INTERNAL = 'The server has either erred or is incapable of performing the requested operation.';
const NOT_FOUND = 'The resource could not be found.';

export const badRequest = (message: string): Fault => new Fault(400, message);
export const forbidden = (rule: string): Fault => new Fault(403, `Policy doesn't allow ${rule} to be performed.`);
export const notFound = (message: string = NOT_FOUND): Fault => new Fault(404, message);
/** The metadata's etag is another: an empty answer (contract/errors.md §1). */
export const preconditionFailed = (): Fault => new Fault(412, '');

/** The fault of a refusal that a command or a query answered. */
export function faultOf(rejection: Rejection): Fault {
  const { message } = rejection;
  return match(kindOf(rejection))
    .with('invalid', () => new Fault(400, message))
    .with('not-found', () => new Fault(404, message))
    .with('conflict', () => new Fault(409, message))
    .with('changed', () => preconditionFailed())
    .with('forbidden', () => new Fault(403, message))
    .with('over-quota', () => new Fault(413, message, { 'Retry-After': '0' }))
    .with('unavailable', () => new Fault(503, message, { 'Retry-After': '1' }))
    .exhaustive();
}

/** The fault of an input that validation refused; names the field. */
export const invalid = (error: ZodError, input: unknown): Fault => new Fault(400, validationMessage(error, input));

/** Any thrown value as an answer. */
export function answerOf(error: unknown): FaultAnswer {
  if (error instanceof Fault) return toAnswer(error, false);
  if (error instanceof StoreUnavailable) {
    const retryAfter = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
    return toAnswer(new Fault(503, 'The service is unavailable now; try again.', { 'Retry-After': retryAfter }), true);
  }
  // a newer build wrote what this one cannot read: not a client's mistake, and another node may know it
  if (error instanceof UnreadableEvent) {
    return toAnswer(new Fault(503, 'This node cannot read the resource; try again.', { 'Retry-After': '1' }), true);
  }
  return toAnswer(new Fault(500, INTERNAL), true);
}

function toAnswer(fault: Fault, unexpected: boolean): FaultAnswer {
  const { status, headers } = fault;
  if (status === 412) return { status, body: null, headers, unexpected };
  const key = FAULT_KEYS[status] ?? 'computeFault';
  const message = fault.message.length <= MAX_MESSAGE ? fault.message : `${fault.message.slice(0, MAX_MESSAGE)}...`;
  const detail = status === 413 ? { code: status, message, retryAfter: '0' } : { code: status, message };
  return { status, body: JSON.stringify({ [key]: detail }), headers, unexpected };
}
