import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { RecordedEvent } from '../ports/event-store.ts';
import type { ServerContext } from './context.ts';
import type { EventFilter } from './filter.ts';
import type { Of } from './read-request.ts';
import {
  eventResponse,
  firstStreamPosition,
  lastStreamPosition,
  streamNotFound,
  type UuidForm,
} from './read-responses.ts';
import { streamDeleted, unexpectedResult } from './refusals.ts';
import { firstVisible, loadHead, NO_EVENTS, type StreamHead } from './stream-head.ts';

/** Events that the real server reads at once; it shows in what it says about where a stream begins. */
const PAGE = 32n;

/** A stream's events as its metadata lets them be seen. */
export async function* readStream(context: ServerContext, request: Of<'read-stream'>): AsyncGenerator<ReadResp> {
  const { stream, from, direction } = request;
  if (request.limit === 0 || (direction === 'forwards' && from === 'end')) {
    throw unexpectedResult('ReadStreamResult', 'Error');
  }
  const head = await loadHead(context.eventStore, stream);
  if (head.state === 'tombstoned') throw streamDeleted(stream);
  if (head.state === 'deleted' || head.revision === NO_EVENTS) {
    yield streamNotFound(stream);
    return;
  }
  const first = await firstVisible(context.eventStore, head, context.now());
  yield* direction === 'forwards' ? forwards(context, request, head, first) : backwards(context, request, head, first);
  if (request.tellsEnds) yield lastStreamPosition(head.revision);
}

async function* forwards(
  context: ServerContext,
  request: Of<'read-stream'>,
  head: StreamHead,
  first: bigint,
): AsyncGenerator<ReadResp> {
  const asked = typeof request.from === 'bigint' ? request.from : 0n;
  if (request.tellsEnds) yield* beginnings(asked, first, head.revision, request.limit);
  const from = asked > first ? asked : first;
  const limit = Math.min(request.limit, Number(head.revision - from) + 1);
  if (limit <= 0) return;
  yield* soMany(context.eventStore.readStream(head.stream, { from, limit }), limit, request.form);
}

/** Told where a page that was asked for has nothing in it: where the next events are, or would be. */
function* beginnings(asked: bigint, first: bigint, last: bigint, limit: number): Generator<ReadResp> {
  const page = limit < Number(PAGE) ? BigInt(limit) : PAGE;
  let from = asked;
  if (from + page - 1n < first) {
    yield firstStreamPosition(first);
    from = first;
  }
  const start = from > first ? from : first;
  if (start > last && from !== last + 1n) yield firstStreamPosition(last + 1n);
}

async function* backwards(
  context: ServerContext,
  { from, limit: wanted, form }: Of<'read-stream'>,
  head: StreamHead,
  first: bigint,
): AsyncGenerator<ReadResp> {
  const asked = from === 'start' ? 0n : from === 'end' ? head.revision : from;
  const start = asked < head.revision ? asked : head.revision;
  const limit = Math.min(wanted, Number(start - first) + 1);
  if (limit <= 0) return;
  const direction = 'backwards';
  yield* soMany(context.eventStore.readStream(head.stream, { from: start, limit, direction }), limit, form);
}

/** Ends with the last one that is wanted, without asking the store for one more: clients wait for the end, too. */
async function* soMany(events: AsyncIterable<RecordedEvent>, limit: number, form: UuidForm): AsyncGenerator<ReadResp> {
  let left = limit;
  for await (const event of events) {
    yield eventResponse(event, form);
    left -= 1;
    if (left <= 0) return;
  }
}

/** The log, hidden events and system streams included; from a position on forwards, what lies before it backwards. */
export async function* readAll(context: ServerContext, request: Of<'read-all'>): AsyncGenerator<ReadResp> {
  const { from, direction, filter, form } = request;
  if (from === (direction === 'forwards' ? 'end' : 'start')) return;
  const streams = filter?.streams ?? null;
  const { limit } = request;
  if (limit === 0) return;
  const log = context.eventStore.readAll({
    direction,
    ...(typeof from === 'bigint' ? { after: direction === 'forwards' ? from - 1n : from } : {}),
    ...(streams === null ? {} : { streams }),
    ...(filter === null || streams !== null ? { limit } : {}),
  });
  yield* soMany(filter === null ? log : matching(log, filter), limit, form);
}

async function* matching(log: AsyncIterable<RecordedEvent>, filter: EventFilter): AsyncGenerator<RecordedEvent> {
  for await (const event of log) if (filter.matches(event)) yield event;
}
