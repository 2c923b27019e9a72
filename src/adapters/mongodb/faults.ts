import {
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoServerClosedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb';
import { StoreUnavailable } from '../../ports/event-store.ts';

/** What was under way when a call failed: only a write can have an unknown outcome. */
export type CallKind = 'read' | 'write';

const DUPLICATE_KEY = 11_000;
const NAMESPACE_NOT_FOUND = 26;

/** The server refused before it did anything: it is not (or no longer) the primary. */
const NOT_PRIMARY: ReadonlySet<unknown> = new Set([10_058, 10_107, 13_435, 13_436]);

/**
 * The server cannot answer now, or gave up while it worked: HostUnreachable, HostNotFound, LockTimeout,
 * MaxTimeMSExpired, WriteConcernTimeout, NetworkTimeout, ShutdownInProgress, UnsatisfiableWriteConcern,
 * FailedToSatisfyReadPreference, ReadConcernMajorityNotAvailableYet, QueryPlanKilled, PrimarySteppedDown,
 * ExceededTimeLimit, SocketException, InterruptedAtShutdown, Interrupted, InterruptedDueToReplStateChange.
 */
const GAVE_UP: ReadonlySet<unknown> = new Set([
  6, 7, 24, 50, 64, 89, 91, 100, 133, 134, 175, 189, 262, 9_001, 11_600, 11_601, 11_602,
]);

/** Failures of a socket, some of which the driver passes on as they are: a connection that ends while it is written to. */
const SOCKET_ERRORS: ReadonlySet<unknown> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);

const isSocketError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && !(error instanceof MongoError) && 'code' in error && SOCKET_ERRORS.has(error.code);

/** Failures of the driver's connection pool, which it exports no classes for. */
const BEFORE_SENDING: ReadonlySet<string> = new Set([
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
]);

export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY;

/** Some servers send only the text. */
export const isNoSuchCollection = (error: unknown): boolean =>
  error instanceof MongoServerError && (error.code === NAMESPACE_NOT_FOUND || error.message === 'ns not found');

/**
 * The port's error for a call that failed because of the server or the way to it. A refusal of what was asked (a bad
 * query, a key that is there already) is no such failure and comes back as it is.
 */
export function faultOf(error: unknown, kind: CallKind): unknown {
  if (isSocketError(error)) return unavailable(error, kind === 'read' ? 'not-done' : 'unknown');
  if (!(error instanceof MongoError)) return error;
  if (wasNotSent(error)) return unavailable(error, 'not-done');
  return gaveUp(error) ? unavailable(error, kind === 'read' ? 'not-done' : 'unknown') : error;
}

/** An own time limit ran out: a write may still happen. */
export const overdue = (deadlineMs: number, kind: CallKind): StoreUnavailable =>
  new StoreUnavailable(`MongoDB: no answer within ${deadlineMs} ms`, kind === 'read' ? 'not-done' : 'unknown');

const unavailable = (error: Error, outcome: StoreUnavailable['outcome']): StoreUnavailable =>
  new StoreUnavailable(`MongoDB: ${error.message}`, outcome, 1_000, { cause: error });

function wasNotSent(error: MongoError): boolean {
  // What came before the part that failed is done.
  if (error instanceof MongoBulkWriteError) return false;
  return (
    error instanceof MongoServerSelectionError ||
    error instanceof MongoNotConnectedError ||
    error instanceof MongoTopologyClosedError ||
    error instanceof MongoServerClosedError ||
    BEFORE_SENDING.has(error.name) ||
    (error instanceof MongoNetworkError && error.hasErrorLabel('HandshakeError')) ||
    NOT_PRIMARY.has(error.code)
  );
}

function gaveUp(error: MongoError): boolean {
  if (error instanceof MongoBulkWriteError) {
    // A failure of the connection comes wrapped, without a code; one of the write concern with that code.
    return error.code === undefined || GAVE_UP.has(error.code) || NOT_PRIMARY.has(error.code);
  }
  return (
    error instanceof MongoNetworkError ||
    // what was under way when the client was closed, to be connected anew
    error instanceof MongoClientClosedError ||
    error instanceof MongoOperationTimeoutError ||
    error instanceof MongoWriteConcernError ||
    GAVE_UP.has(error.code) ||
    error.hasErrorLabel('RetryableWriteError')
  );
}
