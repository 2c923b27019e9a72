import type { UUID } from '@eventstore/db-client/generated/shared_pb.js';
import type { Status } from '@eventstore/db-client/generated/status_pb.js';
import type { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type handleBidiStreamingCall, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { answerOf, batchAnswer, failureStatus, maximumAppendSizeStatus, timeoutStatus } from './batch-responses.ts';
import { type ProposedEvent, toAppend, type Writer } from './content.ts';
import { type ServerContext, writerOf } from './context.ts';
import { batchExpectedOf, proposedOf, sizeOf, streamOf } from './proposals.ts';
import { notReady, Refusal, refusalOf, requestRefused } from './refusals.ts';
import { identifierOf, idOf, streamNameOf } from './wire.ts';
import type { Expected } from './write-decisions.ts';

/** One append whose messages are still coming in. */
interface Unfinished {
  readonly stream: string;
  readonly expected: Expected;
  readonly events: ProposedEvent[];
  size: number;
  /** Ends it where the rest does not come in time. */
  readonly timer: NodeJS.Timeout | undefined;
}

/** A client that sends faster than the disk writes is read no further beyond so much. */
const MAX_BYTES_UNDER_WAY = 32 * 1024 * 1024;

/** Timers take no more milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Streams.BatchAppend: many appends over one call, each in one message or several and told apart by its correlation id.
 * They begin in the order of their last messages and are answered as they end.
 */
export function handleBatchAppend(context: ServerContext): handleBidiStreamingCall<BatchAppendReq, BatchAppendResp> {
  return (call) => {
    const writer = whoWrites(context, call);
    if (writer instanceof Refusal && writer.code === status.UNAUTHENTICATED) call.emit('error', writer);
    else serve(context, call, writer);
  };
}

/** Who may not write is told so append by append. */
function whoWrites(context: ServerContext, call: Call): Writer | Refusal {
  try {
    return writerOf(context, call);
  } catch (error) {
    return refusalOf(error, context.onFault);
  }
}

type Call = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

function serve(context: ServerContext, call: Call, writer: Writer | Refusal): void {
  const unfinished = new Map<string, Unfinished>();
  const active = context.calls.begin();
  let bytesUnderWay = 0;
  let underWay = 0;
  let ended: 'by-client' | 'by-server' | null = null;

  const answer = (correlationId: UUID | undefined, stream: string, what: Parameters<typeof batchAnswer>[2]): void => {
    if (!call.cancelled && !call.destroyed) call.write(batchAnswer(correlationId, identifierOf(stream), what));
  };

  const forget = (id: string): void => {
    clearTimeout(unfinished.get(id)?.timer);
    unfinished.delete(id);
  };

  const endWhenDone = (): void => {
    if (ended === null || underWay > 0) return;
    for (const id of unfinished.keys()) forget(id);
    if (ended === 'by-server') call.emit('error', notReady());
    else call.end();
    active.end();
  };

  const begin = (id: string, request: BatchAppendReq, options: BatchAppendReq.Options): Unfinished | Status => {
    const stream = streamOf(options);
    const leftMs = leftOf(options, context.now());
    if (leftMs <= 0) return timeoutStatus();
    const expected = batchExpectedOf(options);
    const timer = request.getIsFinal()
      ? undefined
      : setTimeout(
          () => {
            unfinished.delete(id);
            answer(request.getCorrelationId(), stream, timeoutStatus());
          },
          Math.min(leftMs, MAX_TIMER_MS),
        );
    const begun: Unfinished = { stream, expected, events: [], size: 0, timer };
    unfinished.set(id, begun);
    return begun;
  };

  const store = (request: BatchAppendReq, { stream, expected, events, size }: Unfinished): void => {
    if (writer instanceof Refusal) throw writer;
    const toStore = events.map((event) => toAppend(event, { ...writer, at: context.now() }));
    context.access.checkAppend(stream, toStore);
    underWay += 1;
    bytesUnderWay += size;
    if (bytesUnderWay > MAX_BYTES_UNDER_WAY) call.pause();
    void context.writer
      .append(stream, expected, toStore)
      .then((outcome) => answerOf(outcome, stream, expected))
      .catch((error: unknown) => failureStatus(error, context.onFault))
      .then((what) => {
        answer(request.getCorrelationId(), stream, what);
        underWay -= 1;
        bytesUnderWay -= size;
        if (call.isPaused() && bytesUnderWay <= MAX_BYTES_UNDER_WAY && ended === null) call.resume();
        endWhenDone();
      });
  };

  const receive = (request: BatchAppendReq): void => {
    const correlationId = request.getCorrelationId();
    const options = request.getOptions();
    const streamName = streamNameOf(options?.getStreamIdentifier());
    let id = '';
    try {
      id = correlationIdOf(correlationId);
      if (writer instanceof Refusal) throw writer;
      const current = options === undefined ? unfinished.get(id) : (unfinished.get(id) ?? begin(id, request, options));
      // The rest of an append that was refused already.
      if (current === undefined) return;
      if (!('events' in current)) {
        answer(correlationId, streamName, current);
        return;
      }
      for (const message of request.getProposedMessagesList()) {
        const event = proposedOf(message);
        current.size += sizeOf(event);
        current.events.push(event);
      }
      if (current.size > context.maxAppendBytes) {
        forget(id);
        answer(correlationId, current.stream, maximumAppendSizeStatus(context.maxAppendBytes));
      } else if (request.getIsFinal()) {
        forget(id);
        store(request, current);
      }
    } catch (error) {
      const stream = unfinished.get(id)?.stream ?? streamName;
      forget(id);
      answer(correlationId, stream, failureStatus(error, context.onFault));
    }
  };

  const stop = (by: 'by-client' | 'by-server'): void => {
    ended ??= by;
    endWhenDone();
  };

  call.on('data', receive);
  call.on('end', () => stop('by-client'));
  call.on('cancelled', () => stop('by-client'));
  active.closing.addEventListener('abort', () => {
    call.pause();
    stop('by-server');
  });
}

function correlationIdOf(correlationId: UUID | undefined): string {
  if (correlationId === undefined) throw requestRefused("Value cannot be null. (Parameter 'dto')");
  return idOf(correlationId);
}

/** Milliseconds until the client gives up; without end where it does not say. */
function leftOf(options: BatchAppendReq.Options, now: number): number {
  const deadline = options.getDeadline();
  return deadline === undefined ? Number.POSITIVE_INFINITY : deadline.toDate().getTime() - now;
}
