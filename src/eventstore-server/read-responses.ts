import streamsPb, { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { Position, RecordedEvent } from '../ports/event-store.ts';
import { isTombstone, wireContentOf } from './content.ts';
import { identifierOf, LAST_NUMBER, ticksOf, uuidOf } from './wire.ts';

/** Messages of Streams.Read. */

export type UuidForm = 'text' | 'structured';

/** Commit and prepare position are the same: the store's own position of the event. */
export function eventResponse(event: RecordedEvent, form: UuidForm): ReadResp {
  const content = wireContentOf(event);
  const position = event.position.toString();
  const recorded = new streamsPb.ReadResp.ReadEvent.RecordedEvent()
    .setId(uuidOf(event.id, form))
    .setStreamIdentifier(identifierOf(event.stream))
    .setStreamRevision((isTombstone(event) ? LAST_NUMBER : event.revision).toString())
    .setPreparePosition(position)
    .setCommitPosition(position)
    .setData(content.data)
    .setCustomMetadata(content.metadata);
  recorded
    .getMetadataMap()
    .set('type', event.type)
    .set('created', ticksOf(event.recordedAt))
    .set('content-type', content.json ? 'application/json' : 'application/octet-stream');
  return new streamsPb.ReadResp().setEvent(
    new streamsPb.ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(position),
  );
}

export const confirmation = (subscriptionId: string): ReadResp =>
  new streamsPb.ReadResp().setConfirmation(
    new streamsPb.ReadResp.SubscriptionConfirmation().setSubscriptionId(subscriptionId),
  );

export function checkpoint(position: Position): ReadResp {
  const at = position.toString();
  return new streamsPb.ReadResp().setCheckpoint(
    new streamsPb.ReadResp.Checkpoint().setCommitPosition(at).setPreparePosition(at),
  );
}

export const caughtUp = (): ReadResp => new streamsPb.ReadResp().setCaughtUp(new streamsPb.ReadResp.CaughtUp());

export const streamNotFound = (stream: string): ReadResp =>
  new streamsPb.ReadResp().setStreamNotFound(
    new streamsPb.ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(stream)),
  );

export const firstStreamPosition = (revision: bigint): ReadResp =>
  new streamsPb.ReadResp().setFirstStreamPosition(revision.toString());

export const lastStreamPosition = (revision: bigint): ReadResp =>
  new streamsPb.ReadResp().setLastStreamPosition(revision.toString());
