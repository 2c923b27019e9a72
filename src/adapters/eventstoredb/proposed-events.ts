import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsPb, { type BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import timestampPb from 'google-protobuf/google/protobuf/timestamp_pb.js';
import type { EventToAppend, ExpectedRevision } from '../../ports/event-store.ts';

type ProposedMessage = BatchAppendReq.ProposedMessage;

/** What one append sends, made once and sent again as it is: the server tells a repeated append by its event ids. */
export interface Proposal {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly messages: readonly ProposedMessage[];
  readonly bytes: number;
}

/** Bytes of events in one message of the call; the append is one, however many messages it takes. */
const MESSAGE_BYTES = 1024 * 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL_CHARACTERS = /[\u0000-\u001f]/;

/** Checks and writes out what is to be appended. Throws RangeError, or TypeError for what is no JSON. */
export function proposalOf(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Proposal {
  // A name of the system's own: the server would take even `$all`.
  if (stream === '' || stream.startsWith('$') || CONTROL_CHARACTERS.test(stream)) {
    throw new RangeError(`not a stream name: ${JSON.stringify(stream)}`);
  }
  // The server would take it, and let it claim revision 0.
  if (events.length === 0) throw new RangeError(`nothing to append to stream ${stream}`);
  if (expected !== 'no-stream' && expected < 0n) throw new RangeError(`not a revision: ${expected}`);
  let bytes = 0;
  const messages = events.map(({ id, type, data, metadata }) => {
    const message = new streamsPb.BatchAppendReq.ProposedMessage();
    const [body, about] = [Buffer.from(JSON.stringify(data)), Buffer.from(JSON.stringify(metadata))];
    bytes += body.length + about.length;
    message.setId(new sharedPb.UUID().setString(id)).setData(body).setCustomMetadata(about);
    message.getMetadataMap().set('type', type).set('content-type', 'application/json');
    return message;
  });
  return { stream, expected, messages, bytes };
}

/** The messages of one attempt. */
export function requestsOf(proposal: Proposal, correlationId: string, deadlineMs: number): readonly BatchAppendReq[] {
  const id = new sharedPb.UUID().setString(correlationId);
  const request = (): BatchAppendReq => new streamsPb.BatchAppendReq().setCorrelationId(id).setIsFinal(false);
  let last = request().setOptions(optionsOf(proposal, deadlineMs));
  const requests = [last];
  let bytes = 0;
  for (const message of proposal.messages) {
    const size = message.getData_asU8().length + message.getCustomMetadata_asU8().length;
    if (bytes > 0 && bytes + size > MESSAGE_BYTES) {
      last = request();
      requests.push(last);
      bytes = 0;
    }
    last.addProposedMessages(message);
    bytes += size;
  }
  last.setIsFinal(true);
  return requests;
}

function optionsOf({ stream, expected }: Proposal, deadlineMs: number): BatchAppendReq.Options {
  const options = new streamsPb.BatchAppendReq.Options()
    .setStreamIdentifier(new sharedPb.StreamIdentifier().setStreamName(Buffer.from(stream)))
    .setDeadline(timestampPb.Timestamp.fromDate(new Date(Date.now() + deadlineMs)));
  return expected === 'no-stream'
    ? options.setNoStream(new emptyPb.Empty())
    : options.setStreamPosition(expected.toString());
}
