import { once } from 'node:events';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import { match } from 'ts-pattern';
import type { ServerContext } from './context.ts';
import { type ReadRequest, readRequestOf } from './read-request.ts';
import { readAll, readStream } from './reads.ts';
import { notReady, refusalOf } from './refusals.ts';
import { subscribeToAll, subscribeToStream } from './subscriptions.ts';

/** Streams.Read: reads and subscriptions of one stream or of the log. */
export function handleRead(context: ServerContext): handleServerStreamingCall<ReadReq, ReadResp> {
  return (call) => {
    const active = context.calls.begin();
    call.on('cancelled', active.cancel);
    serve(context, call, active.closing)
      .catch((error: unknown) => {
        if (!call.cancelled) call.emit('error', refusalOf(error, context.onFault));
      })
      .finally(active.end);
  };
}

async function serve(
  context: ServerContext,
  call: ServerWritableStream<ReadReq, ReadResp>,
  signal: AbortSignal,
): Promise<void> {
  context.access.userOf(call.metadata);
  for await (const response of responses(context, readRequestOf(call.request), signal)) {
    if (signal.aborted) break;
    // The client is slower than the log: nothing is read ahead of it.
    if (!call.write(response)) await once(call, 'drain', { signal }).catch(() => undefined);
  }
  if (signal.aborted) throw notReady();
  call.end();
}

function responses(context: ServerContext, request: ReadRequest, signal: AbortSignal): AsyncIterable<ReadResp> {
  return match(request)
    .with({ kind: 'read-stream' }, (read) => readStream(context, read))
    .with({ kind: 'read-all' }, (read) => readAll(context, read))
    .with({ kind: 'subscribe-stream' }, (subscription) => subscribeToStream(context, subscription, signal))
    .with({ kind: 'subscribe-all' }, (subscription) => subscribeToAll(context, subscription, signal))
    .exhaustive();
}
