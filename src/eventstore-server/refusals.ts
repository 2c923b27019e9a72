import { Metadata, status } from '@grpc/grpc-js';
import { StoreUnavailable } from '../ports/event-store.ts';

/** What the real server answers where it refuses a call: status, sentence and trailers, which clients tell errors by. */
export class Refusal extends Error {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;

  constructor(code: status, details: string, trailers: Readonly<Record<string, string>> = {}) {
    super(details);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
    this.metadata = new Metadata();
    for (const [key, value] of Object.entries(trailers)) this.metadata.set(key, asciiOf(value));
  }
}

/** Trailers are ASCII. */
const asciiOf = (text: string): string => text.replace(/[^ -~]/g, '?');

export const accessDenied = (): Refusal =>
  new Refusal(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });

export const unauthenticated = (): Refusal => new Refusal(status.UNAUTHENTICATED, 'Bad username or password.');

export const streamDeleted = (stream: string): Refusal =>
  new Refusal(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  });

/** Of a deletion; an append answers with a message of its own. `expected` is -1 for no stream, -2 any, -4 stream exists. */
export const wrongRevision = (operation: string, stream: string, expected: bigint, actual: bigint): Refusal =>
  new Refusal(
    status.FAILED_PRECONDITION,
    `${operation} failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${actual}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': expected.toString(),
      'actual-version': actual.toString(),
    },
  );

export const maximumAppendSizeExceeded = (bytes: number): Refusal =>
  new Refusal(status.INVALID_ARGUMENT, `Maximum Append Size of ${bytes} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': bytes.toString(),
  });

export const requiredPropertyMissing = (property: string): Refusal =>
  new Refusal(status.INVALID_ARGUMENT, `Required Metadata Property '${property}' is missing`, {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': 'type,content-type',
  });

export const invalidArgument = (sentence: string): Refusal => new Refusal(status.INVALID_ARGUMENT, sentence);

export const unexpectedResult = (kind: 'ReadStreamResult' | 'ReadAllResult', result: string): Refusal =>
  new Refusal(status.UNKNOWN, `Unexpected ${kind}: ${result}`);

export const notReady = (): Refusal => new Refusal(status.UNAVAILABLE, 'Server Is Not Ready');

const timedOut = (reason: string): Refusal => new Refusal(status.ABORTED, `Operation timed out: ${reason}`);

/** The request itself is wrong: a batch append is told so; any other call learns only that its handler failed, as from the real server. */
export class RequestRefused extends Refusal {
  readonly reason: string;

  constructor(reason: string) {
    super(status.UNKNOWN, 'Exception was thrown by handler.');
    this.name = 'RequestRefused';
    this.reason = reason;
  }
}

export const requestRefused = (reason: string): RequestRefused => new RequestRefused(reason);

/** What a call that failed is answered; `onFault` is told of what nobody foresaw. */
export function refusalOf(error: unknown, onFault: (error: unknown) => void): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof StoreUnavailable) return error.outcome === 'unknown' ? timedOut(error.message) : notReady();
  if (error instanceof RangeError) return requestRefused(error.message);
  onFault(error);
  return new Refusal(status.UNKNOWN, 'Exception was thrown by handler.');
}
