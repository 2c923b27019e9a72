import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsPb, {
  type DeleteReq,
  type DeleteResp,
  type TombstoneReq,
  type TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import { match } from 'ts-pattern';
import type { Position } from '../ports/event-store.ts';
import { type ServerContext, writerOf } from './context.ts';
import { expectedOf, streamOf } from './proposals.ts';
import { refusalOf, requestRefused, streamDeleted, wrongRevision } from './refusals.ts';
import type { Deletion } from './stream-writer.ts';
import { expectedNumber } from './write-decisions.ts';

/** Streams.Delete: hides the stream until the next append. */
export function handleDelete(context: ServerContext): handleUnaryCall<DeleteReq, DeleteResp> {
  return (call, callback) => {
    remove(context, call, 'soft').then(
      (position) => {
        const response = new streamsPb.DeleteResp();
        if (position === null) return callback(null, response.setNoPosition(new sharedPb.Empty()));
        const at = position.toString();
        const place = new streamsPb.DeleteResp.Position().setCommitPosition(at).setPreparePosition(at);
        callback(null, response.setPosition(place));
      },
      (error: unknown) => callback(refusalOf(error, context.onFault)),
    );
  };
}

/** Streams.Tombstone: ends the stream for good. */
export function handleTombstone(context: ServerContext): handleUnaryCall<TombstoneReq, TombstoneResp> {
  return (call, callback) => {
    remove(context, call, 'tombstone').then(
      (position) => {
        const response = new streamsPb.TombstoneResp();
        if (position === null) return callback(null, response.setNoPosition(new sharedPb.Empty()));
        const at = position.toString();
        const place = new streamsPb.TombstoneResp.Position().setCommitPosition(at).setPreparePosition(at);
        callback(null, response.setPosition(place));
      },
      (error: unknown) => callback(refusalOf(error, context.onFault)),
    );
  };
}

async function remove(
  context: ServerContext,
  call: ServerUnaryCall<DeleteReq | TombstoneReq, unknown>,
  how: Deletion,
): Promise<Position | null> {
  const writer = writerOf(context, call);
  const options = call.request.getOptions();
  if (options === undefined) throw requestRefused('no options');
  const [stream, expected] = [streamOf(options), expectedOf(options)];
  context.access.checkDelete(stream);
  const outcome = await context.writer.delete(stream, expected, how, writer);
  return match(outcome)
    .with({ kind: 'written' }, ({ position }) => position)
    .with({ kind: 'wrong-revision' }, ({ current }) => {
      throw wrongRevision('Delete', stream, expectedNumber(expected), current);
    })
    .with({ kind: 'deleted' }, () => {
      throw streamDeleted(stream);
    })
    .exhaustive();
}
