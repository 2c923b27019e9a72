import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsPb, { type AppendReq, type AppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { handleClientStreamingCall, ServerReadableStream } from '@grpc/grpc-js';
import { match } from 'ts-pattern';
import { toAppend } from './content.ts';
import { type ServerContext, writerOf } from './context.ts';
import { expectedOf, proposedOf, sizeOf, streamOf } from './proposals.ts';
import { maximumAppendSizeExceeded, refusalOf, requestRefused, streamDeleted } from './refusals.ts';
import { NO_EVENTS } from './stream-head.ts';
import type { Expected, WriteOutcome } from './write-decisions.ts';

type Written = Extract<WriteOutcome, { kind: 'written' }>;
type WrongRevision = Extract<WriteOutcome, { kind: 'wrong-revision' }>;

/** Streams.Append: options first, then one message an event; stored when the client has sent the last. */
export function handleAppend(context: ServerContext): handleClientStreamingCall<AppendReq, AppendResp> {
  return (call, callback) => {
    append(context, call).then(
      (response) => callback(null, response),
      (error: unknown) => callback(refusalOf(error, context.onFault)),
    );
  };
}

async function append(context: ServerContext, call: ServerReadableStream<AppendReq, AppendResp>): Promise<AppendResp> {
  const writer = writerOf(context, call);
  const proposed = [];
  let options: AppendReq.Options | undefined;
  let size = 0;
  for await (const request of call as AsyncIterable<AppendReq>) {
    if (options === undefined) {
      options = request.getOptions();
      if (options === undefined) throw requestRefused('the first message has no options');
      continue;
    }
    const message = request.getProposedMessage();
    if (message === undefined) throw requestRefused('a message without an event');
    const event = proposedOf(message);
    size += sizeOf(event);
    if (size > context.maxAppendBytes) throw maximumAppendSizeExceeded(context.maxAppendBytes);
    proposed.push(event);
  }
  if (options === undefined) throw requestRefused('no message');
  const [stream, expected] = [streamOf(options), expectedOf(options)];
  const events = proposed.map((event) => toAppend(event, writer));
  context.access.checkAppend(stream, events);
  const outcome = await context.writer.append(stream, expected, events);
  return match(outcome)
    .with({ kind: 'written' }, success)
    .with({ kind: 'wrong-revision' }, (wrong) => wrongRevision(wrong, expected))
    .with({ kind: 'deleted' }, () => {
      throw streamDeleted(stream);
    })
    .exhaustive();
}

const empty = (): InstanceType<typeof sharedPb.Empty> => new sharedPb.Empty();

function success({ revision, position }: Written): AppendResp {
  const written = new streamsPb.AppendResp.Success();
  if (revision === NO_EVENTS) written.setNoStream(empty());
  else written.setCurrentRevision(revision.toString());
  if (position === null) written.setNoPosition(empty());
  else {
    const at = position.toString();
    written.setPosition(new streamsPb.AppendResp.Position().setCommitPosition(at).setPreparePosition(at));
  }
  return new streamsPb.AppendResp().setSuccess(written);
}

function wrongRevision({ current }: WrongRevision, expected: Expected): AppendResp {
  const wrong = new streamsPb.AppendResp.WrongExpectedVersion();
  if (expected === 'any') wrong.setExpectedAny(empty()).setAny2060(empty());
  else if (expected === 'stream-exists') wrong.setExpectedStreamExists(empty()).setStreamExists2060(empty());
  else if (expected === 'no-stream') wrong.setExpectedNoStream(empty());
  else wrong.setExpectedRevision(expected.toString()).setExpectedRevision2060(Number(expected));
  if (current === NO_EVENTS) wrong.setCurrentNoStream(empty()).setNoStream2060(empty());
  else wrong.setCurrentRevision(current.toString()).setCurrentRevision2060(Number(current));
  return new streamsPb.AppendResp().setWrongExpectedVersion(wrong);
}
