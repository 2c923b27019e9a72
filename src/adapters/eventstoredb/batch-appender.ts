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
  const running = new Set<Attempt>();
  let turn: Promise<unknown> = Promise.resolve();

  session.ended.addEventListener('abort', () => {
    for (const attempt of running) attempt.giveUp(session.ended.reason);
  });

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

  const make = async (proposal: Proposal, deadlineMs: number, attempt: Attempt): Promise<Appended> => {
    const free = await room.take(proposal.bytes, attempt);
    try {
      const { send } = openedOn(await openedInTurn());
      attempt.throwIfOver();
      return await send(proposal, deadlineMs, attempt);
    } finally {
      free();
    }
  };

  return {
    append: (proposal, deadlineMs) =>
      new Promise((resolve, reject) => {
        const attempt = createAttempt(reject);
        const end = (): void => {
          clearTimeout(timer);
          running.delete(attempt);
        };
        const timer = setTimeout(
          () => attempt.giveUp(new CallLost(`no answer to an append within ${deadlineMs} ms`, true)),
          deadlineMs,
        );
        running.add(attempt);
        if (session.ended.aborted) attempt.giveUp(session.ended.reason);
        make(proposal, deadlineMs, attempt).then(resolve, reject).finally(end);
      }),
  };
}

/** An append that is waited for. An AbortSignal would do as well, at a tenth of the work of the whole append. */
interface Attempt {
  /** Rejects who waits for it, once and for all. */
  giveUp(reason: Error): void;
  throwIfOver(): void;
  /** What is to be undone when it is given up; only the last one said counts. */
  whenOver(undo: (reason: Error) => void): void;
}

function createAttempt(reject: (reason: Error) => void): Attempt {
  let over: Error | null = null;
  let undo: ((reason: Error) => void) | null = null;
  return {
    giveUp: (reason) => {
      if (over !== null) return;
      over = reason;
      reject(reason);
      undo?.(reason);
    },
    throwIfOver: () => {
      if (over !== null) throw over;
    },
    whenOver: (next) => {
      undo = next;
      if (over !== null) next(over);
    },
  };
}

interface OpenCall {
  send(proposal: Proposal, deadlineMs: number, attempt: Attempt): Promise<Appended>;
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
    send: (proposal, deadlineMs, attempt) =>
      new Promise((resolve, reject) => {
        if (broken !== null) {
          reject(broken);
          return;
        }
        const id = randomUUID();
        pending.set(id, { stream: proposal.stream, resolve, reject });
        attempt.whenOver((reason) => {
          pending.delete(id);
          reject(reason);
        });
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
    take: (bytes: number, attempt: Attempt): Promise<() => void> =>
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
        attempt.whenOver((reason) => {
          waiting.delete(one);
          reject(reason);
        });
      }),
  };
}
