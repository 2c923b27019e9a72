import { convertToCommandError, ErrorType } from '@eventstore/db-client';
import { StoreUnavailable } from '../../ports/event-store.ts';

/**
 * What a failure of a call means. `again`: the server or the way to it failed; `sent` says whether the request may have
 * reached it, `newClient` whether the client is of no more use.
 */
export type Fault =
  | { readonly kind: 'again'; readonly sent: boolean; readonly newClient: boolean; readonly error: Error }
  | { readonly kind: 'conflict' | 'no-stream' | 'deleted' | 'invalid-position' }
  | { readonly kind: 'refused'; readonly error: Error };

/** An own time limit ran out, or the client was replaced: nobody else will tell. */
export class CallLost extends Error {
  readonly newClient: boolean;

  constructor(message: string, newClient: boolean) {
    super(message);
    this.name = 'CallLost';
    this.newClient = newClient;
  }
}

const UNAVAILABLE = 14;
/** How the client's gRPC library tells that the other side reset a call. */
const INTERNAL = 13;
const INVALID_ARGUMENT = 3;
const NOT_DISCOVERED = 'Failed to discover';
/** The channel never had a connection, so nothing was sent over it. */
const NO_CONNECTION = 'No connection established';
const INVALID_POSITION = /invalid ?position/i;

const PASSING: ReadonlySet<unknown> = new Set([
  ErrorType.UNAVAILABLE,
  ErrorType.CANCELLED,
  ErrorType.NOT_LEADER,
  ErrorType.DEADLINE_EXCEEDED,
  ErrorType.TIMEOUT,
]);

/**
 * Classifies by type, then code, then text: of the client's errors only class and type are reliable, and some that come
 * before any call are plain errors.
 */
export function faultOf(thrown: unknown): Fault {
  const error = commandErrorOf(thrown);
  const again = (sent: boolean, newClient: boolean): Fault => ({ kind: 'again', sent, newClient, error });
  if (error instanceof CallLost) return again(true, error.newClient);
  if (error instanceof StoreUnavailable) return again(true, false);
  const { type, code, message } = error as Error & { readonly type?: unknown; readonly code?: unknown };
  if (type === ErrorType.WRONG_EXPECTED_VERSION) return { kind: 'conflict' };
  if (type === ErrorType.STREAM_NOT_FOUND) return { kind: 'no-stream' };
  if (type === ErrorType.STREAM_DELETED) return { kind: 'deleted' };
  if (PASSING.has(type) || code === UNAVAILABLE || code === INTERNAL)
    return again(!message.includes(NO_CONNECTION), false);
  // The failed discovery is remembered: every later call of this client fails at once, though all nodes are up.
  if (message.includes(NOT_DISCOVERED)) return again(false, true);
  if (INVALID_POSITION.test(message) || code === INVALID_ARGUMENT) return { kind: 'invalid-position' };
  // "Server Is Not Ready" among them; what else a server cannot explain may pass too.
  if (type === ErrorType.UNKNOWN) return again(true, false);
  return { kind: 'refused', error };
}

function commandErrorOf(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(String(thrown));
  // It looks for the details of a call in whatever has a code.
  return thrown instanceof CallLost || !('code' in thrown && 'details' in thrown)
    ? thrown
    : (convertToCommandError(thrown) as Error);
}

export const unavailable = (outcome: StoreUnavailable['outcome'], error: Error): StoreUnavailable =>
  new StoreUnavailable(`EventStoreDB: ${error.message === '' ? error.name : error.message}`, outcome, 1_000, {
    cause: error,
  });
