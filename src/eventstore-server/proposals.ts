import type { AppendReq, BatchAppendReq, DeleteReq, TombstoneReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { ProposedEvent } from './content.ts';
import { invalidArgument, requestRefused, requiredPropertyMissing } from './refusals.ts';
import { idOf, LAST_NUMBER, streamNameOf } from './wire.ts';
import type { Expected } from './write-decisions.ts';

/** What clients hand over, read from their messages. */

export function proposedOf(message: AppendReq.ProposedMessage | BatchAppendReq.ProposedMessage): ProposedEvent {
  const properties = message.getMetadataMap();
  const type = properties.get('type');
  if (type === undefined) throw requiredPropertyMissing('type');
  const contentType = properties.get('content-type');
  if (contentType === undefined) throw requiredPropertyMissing('content-type');
  const id = idOf(message.getId());
  if (type === '') throw requestRefused('Empty eventType provided.');
  const [data, metadata] = [message.getData_asU8(), message.getCustomMetadata_asU8()];
  return { id, type, json: contentType === 'application/json', data, metadata };
}

/** The real server counts the data alone, too. */
export const sizeOf = (event: ProposedEvent): number => event.data.length;

interface StreamOptions {
  getStreamIdentifier(): Parameters<typeof streamNameOf>[0];
}

export function streamOf(options: StreamOptions): string {
  const stream = streamNameOf(options.getStreamIdentifier());
  if (stream === '') throw requestRefused('eventStreamId should not be empty.');
  return stream;
}

type Expecting = AppendReq.Options | DeleteReq.Options | TombstoneReq.Options;

export function expectedOf(options: Expecting): Expected {
  if (options.hasRevision()) return revisionOf(options.getRevision());
  return withoutRevision(options);
}

export function batchExpectedOf(options: BatchAppendReq.Options): Expected {
  if (options.hasStreamPosition()) return revisionOf(options.getStreamPosition());
  return withoutRevision(options);
}

function withoutRevision(options: Pick<Expecting, 'hasAny' | 'hasNoStream' | 'hasStreamExists'>): Expected {
  if (options.hasAny()) return 'any';
  if (options.hasNoStream()) return 'no-stream';
  if (options.hasStreamExists()) return 'stream-exists';
  throw invalidArgument("'None' is not a valid expected revision");
}

function revisionOf(text: string): bigint {
  const revision = BigInt(text);
  if (revision > LAST_NUMBER) throw requestRefused(`not a revision: ${text}`);
  return revision;
}
