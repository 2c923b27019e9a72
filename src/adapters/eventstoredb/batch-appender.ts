import { randomUUID } from 'node:crypto';
import {
  AccessDeniedError,
  DeadlineExceededError,
  InvalidArgumentError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import type { Status } from '@eventstore/db-client/generated/status_pb.js';
import type { BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { aborted } from './abort.ts';
import type { AppendCall, ClientSession } from './client-session.ts';
import { CallLost } from './faults.ts';
import { type Proposal, requestsOf } from './proposed-events.ts';

export interface Appended {
  readonly revision: bigint;
  /** Null from a server that does not say. */
  readonly position: bigint | null;
}

/** Appends over one call of one client, many at a time. */
export interface BatchAppender {
  /** One attempt; rejects with the client's errors, or with CallLost when `deadlineMs` have passed. */
  append(proposal: Proposal, deadlineMs: number): Promise<Appended>;
}

/** More waits: what is in flight when a server dies is all sent again. */
const MAX_BYTES_IN_FLIGHT = 4 * 1024 * 1024;

interface Pending {
  readonly stream: string;
  resolve(appended: Appended): void;
  reject(error: Error): void;
}

/**
 * The client's own batch append keeps its pending appends in a table of the whole process: when one client's call
 * breaks, those of all are rejected, and an answer that comes afterwards ends the process. This one keeps its own, and
 * goes over the client's channel, so that discovery, credentials and changes of leader stay the client's.
 */
export function createBatchAppender(session: ClientSession): BatchAppender {
  const room = createRoom(MAX_BYTES_IN_FLIGHT);
  const calls = new WeakMap<AppendCall, OpenCall>();
  let turn: Promise<unknown> = Promise.resolve();

  /** In turn: the first ones of a fresh client would overtake each other while it connects. */
  const openedInTurn = (): Promise<AppendCall> => {
    const opening = turn.then(session.appendCall);
    turn = opening.catch(() => undefined);
    return opening;
  };

  const openedOn = (stream: AppendCall): OpenCall => {
    const opened = calls.get(stream) ?? openCall(stream);
    calls.set(stream, opened);
    return opened;
  };

  const attempt = async (proposal: Proposal, deadlineMs: number, given: AbortSignal): Promise<Appended> => {
    const free = await room.take(proposal.bytes, given);
    try {
      const { send } = openedOn(await openedInTurn());
      given.throwIfAborted();
      return await send(proposal, deadlineMs, given);
    } finally {
      free();
    }
  };

  return {
    append: async (proposal, deadlineMs) => {
      const late = new AbortController();
      const timer = setTimeout(
        () => late.abort(new CallLost(`no answer to an append within ${deadlineMs} ms`, true)),
        deadlineMs,
      );
      const given = AbortSignal.any([late.signal, session.ended]);
      try {
        return await Promise.race([attempt(proposal, deadlineMs, given), aborted(given)]);
      } finally {
        clearTimeout(timer);
        late.abort();
      }
    },
  };
}

interface OpenCall {
  send(proposal: Proposal, deadlineMs: number, given: AbortSignal): Promise<Appended>;
}

function openCall(stream: AppendCall): OpenCall {
  const pending = new Map<string, Pending>();
  let broken: Error | null = null;
  const fail = (error: Error): void => {
    broken ??= error;
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  stream.on('data', (response: BatchAppendResp) => {
    const id = response.getCorrelationId()?.getString() ?? '';
    const waiting = pending.get(id);
    pending.delete(id);
    if (waiting !== undefined) answer(response, waiting);
  });
  stream.on('error', fail);
  stream.on('end', () => {
    fail(new CallLost('the server ended the call', false));
    stream.end();
  });
  return {
    send: (proposal, deadlineMs, given) =>
      new Promise((resolve, reject) => {
        if (broken !== null) {
          reject(broken);
          return;
        }
        const id = randomUUID();
        const giveUp = (): void => {
          pending.delete(id);
          reject(given.reason);
        };
        pending.set(id, { stream: proposal.stream, resolve, reject });
        given.addEventListener('abort', giveUp, { once: true });
        for (const request of requestsOf(proposal, id, deadlineMs)) stream.write(request);
      }),
  };
}

function answer(response: BatchAppendResp, { stream, resolve, reject }: Pending): void {
  const refusal = response.getError();
  if (refusal !== undefined) {
    reject(errorOf(refusal, stream));
    return;
  }
  const success = response.getSuccess();
  const position = success?.getPosition();
  resolve({
    revision: BigInt(success?.getCurrentRevision() ?? 0),
    position: position === undefined ? null : BigInt(position.getCommitPosition()),
  });
}

/** The client's error for a refusal inside an answer. */
function errorOf(refusal: Status, streamName: string): Error {
  const details = refusal.getDetails();
  const message = refusal.getMessage();
  switch (details?.getTypeName()) {
    case 'event_store.client.WrongExpectedVersion':
      return new WrongExpectedVersionError(undefined, { streamName, current: 'no_stream', expected: 'any' });
    case 'event_store.client.StreamDeleted':
      return StreamDeletedError.fromStreamName(streamName);
    case 'event_store.client.AccessDenied':
      return new AccessDeniedError();
    case 'event_store.client.Timeout':
      return new DeadlineExceededError();
    case 'event_store.client.MaximumAppendSizeExceeded': {
      const sizes = details?.unpack(
        sharedPb.MaximumAppendSizeExceeded.deserializeBinary,
        'event_store.client.MaximumAppendSizeExceeded',
      );
      return MaxAppendSizeExceededError.fromMaxAppendSize(sizes?.getMaxappendsize() ?? 0);
    }
    case 'event_store.client.BadRequest':
      return new InvalidArgumentError(`the server does not take it: ${message}`);
    default:
      return new UnknownError(undefined, message);
  }
}

/** Room for so many bytes; who does not fit waits for his turn. One that is larger than all of it goes alone. */
function createRoom(size: number) {
  const waiting = new Set<{ readonly bytes: number; enter(): void }>();
  let used = 0;
  const fits = (bytes: number): boolean => used === 0 || used + bytes <= size;
  const leave = (bytes: number) => {
    let left = false;
    return (): void => {
      if (left) return;
      left = true;
      used -= bytes;
      for (const next of waiting) {
        if (!fits(next.bytes)) return;
        waiting.delete(next);
        next.enter();
      }
    };
  };
  return {
    /** Resolves with what gives the room back. */
    take: (bytes: number, signal: AbortSignal): Promise<() => void> =>
      new Promise((resolve, reject) => {
        const enter = (): void => {
          used += bytes;
          resolve(leave(bytes));
        };
        if (waiting.size === 0 && fits(bytes)) {
          enter();
          return;
        }
        const one = { bytes, enter };
        waiting.add(one);
        const giveUp = (): void => {
          waiting.delete(one);
          reject(signal.reason);
        };
        signal.addEventListener('abort', giveUp, { once: true });
      }),
  };
}
