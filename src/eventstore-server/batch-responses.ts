import codePb from '@eventstore/db-client/generated/code_pb.js';
import sharedPb, { type StreamIdentifier, type UUID } from '@eventstore/db-client/generated/shared_pb.js';
import statusPb, { type Status } from '@eventstore/db-client/generated/status_pb.js';
import streamsPb, { type BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { Message } from 'google-protobuf';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import { match, P } from 'ts-pattern';
import { StoreUnavailable } from '../ports/event-store.ts';
import { Refusal, RequestRefused } from './refusals.ts';
import { NO_EVENTS } from './stream-head.ts';
import { identifierOf } from './wire.ts';
import type { Expected, WriteOutcome } from './write-decisions.ts';

/** Answers of Streams.BatchAppend: refusals travel as a status inside the answer, with a message that says more. */

const { Code } = codePb;
const empty = (): InstanceType<typeof emptyPb.Empty> => new emptyPb.Empty();

export function batchAnswer(
  correlationId: UUID | undefined,
  stream: StreamIdentifier | undefined,
  answer: WriteAnswer | Status,
): BatchAppendResp {
  const response = new streamsPb.BatchAppendResp().setCorrelationId(correlationId).setStreamIdentifier(stream);
  return answer instanceof statusPb.Status ? response.setError(answer) : response.setSuccess(answer);
}

type WriteAnswer = BatchAppendResp.Success;

export function answerOf(outcome: WriteOutcome, stream: string, expected: Expected): WriteAnswer | Status {
  return match(outcome)
    .with({ kind: 'written' }, success)
    .with({ kind: 'wrong-revision' }, ({ current }) => wrongRevision(current, expected))
    .with({ kind: 'deleted' }, () => {
      const details = new sharedPb.StreamDeleted().setStreamIdentifier(identifierOf(stream));
      return statusOf(Code.NOT_FOUND, 'StreamDeleted', details);
    })
    .exhaustive();
}

function success({ revision, position }: Extract<WriteOutcome, { kind: 'written' }>): WriteAnswer {
  const written = new streamsPb.BatchAppendResp.Success();
  if (revision === NO_EVENTS) written.setNoStream(empty());
  else written.setCurrentRevision(revision.toString());
  if (position === null) return written.setNoPosition(empty());
  const at = position.toString();
  return written.setPosition(new sharedPb.AllStreamPosition().setCommitPosition(at).setPreparePosition(at));
}

function wrongRevision(current: bigint, expected: Expected): Status {
  const details = new sharedPb.WrongExpectedVersion();
  if (expected === 'any') details.setExpectedAny(empty());
  else if (expected === 'stream-exists') details.setExpectedStreamExists(empty());
  else if (expected === 'no-stream') details.setExpectedNoStream(empty());
  else details.setExpectedStreamPosition(expected.toString());
  if (current === NO_EVENTS) details.setCurrentNoStream(empty());
  else details.setCurrentStreamRevision(current.toString());
  return statusOf(Code.ALREADY_EXISTS, 'WrongExpectedVersion', details);
}

export const accessDeniedStatus = (): Status =>
  statusOf(Code.PERMISSION_DENIED, 'AccessDenied', new sharedPb.AccessDenied());

export const timeoutStatus = (): Status => statusOf(Code.DEADLINE_EXCEEDED, 'Timeout', new sharedPb.Timeout());

export const maximumAppendSizeStatus = (bytes: number): Status =>
  statusOf(
    Code.INVALID_ARGUMENT,
    'MaximumAppendSizeExceeded',
    new sharedPb.MaximumAppendSizeExceeded().setMaxappendsize(bytes),
  );

const badRequest = (reason: string): Status =>
  statusOf(Code.INVALID_ARGUMENT, 'BadRequest', new sharedPb.BadRequest().setMessage(reason));

/** The client tells this one by its sentence; it has no message of its own. */
const notReady = (): Status => {
  const details = new anyPb.Any();
  details.pack(empty().serializeBinary(), 'google.protobuf.Empty');
  return new statusPb.Status().setMessage('Server Is Not Ready').setDetails(details);
};

/** What an append that failed is answered. */
export function failureStatus(error: unknown, onFault: (error: unknown) => void): Status {
  return match(error)
    .with(P.instanceOf(StoreUnavailable), ({ outcome }) => (outcome === 'unknown' ? timeoutStatus() : notReady()))
    .with(P.instanceOf(RequestRefused), ({ reason }) => badRequest(reason))
    .with(P.instanceOf(Refusal), (refusal) =>
      refusal.metadata.get('exception')[0] === 'access-denied' ? accessDeniedStatus() : badRequest(refusal.details),
    )
    .with(P.instanceOf(RangeError), ({ message }) => badRequest(message))
    .otherwise((other) => {
      onFault(other);
      return statusOf(Code.UNKNOWN, 'Unknown', new sharedPb.Unknown());
    });
}

function statusOf(code: number, message: string, details: Message): Status {
  const packed = new anyPb.Any();
  packed.pack(details.serializeBinary(), `event_store.client.${message}`);
  return new statusPb.Status().setCode(code).setMessage(message).setDetails(packed);
}
