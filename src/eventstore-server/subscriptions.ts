import { randomUUID } from 'node:crypto';
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { Position } from '../ports/event-store.ts';
import { isTombstone } from './content.ts';
import type { ServerContext } from './context.ts';
import type { Of } from './read-request.ts';
import { caughtUp, checkpoint, confirmation, eventResponse } from './read-responses.ts';
import { streamDeleted } from './refusals.ts';
import { firstVisible, loadHead, NO_EVENTS } from './stream-head.ts';

/** A subscription that has this many events more to deliver has fallen behind, and says when it has caught up again. */
const LIVE_EVENTS = 32;

/** Everything behind a position, for ever; of a filter also how far it has looked. */
export async function* subscribeToAll(
  context: ServerContext,
  { from, filter, form }: Of<'subscribe-all'>,
  signal: AbortSignal,
): AsyncGenerator<ReadResp> {
  const { eventStore } = context;
  const end = await eventStore.head();
  yield confirmation(randomUUID());
  const after = from === 'start' ? null : from === 'end' ? end : from;
  const checkpoints = createCheckpoints(after, filter?.checkpointInterval ?? null);
  const lag = createLag();
  const streams = filter?.streams ?? null;
  let live = (after ?? 0n) >= (end ?? 0n);
  if (live) yield caughtUp();
  for await (const delivery of eventStore.subscribe({ after, signal, ...(streams === null ? {} : { streams }) })) {
    if (delivery.kind === 'event') {
      const { event } = delivery;
      if (filter === null || filter.matches(event)) {
        lag.delivered();
        yield eventResponse(event, form);
      }
      yield* checkpoints.passed(event.position);
      continue;
    }
    const behind = lag.caughtUp() || !live;
    if (delivery.position !== null) yield* checkpoints.reached(delivery.position, behind);
    live = true;
    if (behind) yield caughtUp();
  }
}

/** One stream's events behind a revision, as its metadata lets them be seen, then all that are appended. */
export async function* subscribeToStream(
  context: ServerContext,
  { stream, from, form }: Of<'subscribe-stream'>,
  signal: AbortSignal,
): AsyncGenerator<ReadResp> {
  const { eventStore } = context;
  const after = await eventStore.head();
  const head = await loadHead(eventStore, stream);
  yield confirmation(randomUUID());
  if (head.state === 'tombstoned') throw streamDeleted(stream);
  let seen = from === 'start' ? NO_EVENTS : from === 'end' ? head.revision : from;
  if (head.state === 'open' && seen < head.revision) {
    const first = await firstVisible(eventStore, head, context.now());
    const start = seen + 1n > first ? seen + 1n : first;
    const limit = Number(head.revision - start) + 1;
    if (limit > 0) {
      for await (const event of eventStore.readStream(stream, { from: start, limit })) {
        if (signal.aborted) return;
        yield eventResponse(event, form);
      }
    }
    seen = head.revision;
  }
  yield caughtUp();
  const lag = createLag();
  for await (const delivery of eventStore.subscribe({ after, streams: { prefixes: [stream] }, signal })) {
    if (delivery.kind === 'caught-up') {
      if (lag.caughtUp()) yield caughtUp();
      continue;
    }
    const { event } = delivery;
    if (event.stream !== stream || (event.revision <= seen && !isTombstone(event))) continue;
    lag.delivered();
    yield eventResponse(event, form);
    if (isTombstone(event)) throw streamDeleted(stream);
  }
}

/** Counts what was delivered since the subscription last had nothing to deliver. */
function createLag() {
  let events = 0;
  return {
    delivered: (): void => {
      events += 1;
    },
    /** True where it had fallen behind before. */
    caughtUp: (): boolean => {
      const behind = events > LIVE_EVENTS;
      events = 0;
      return behind;
    },
  };
}

/** Tells how far a filtered subscription has looked, once an interval; it has delivered all up to there. */
function createCheckpoints(after: Position | null, interval: number | null) {
  let last = after ?? 0n;
  const isDue = (position: Position): boolean => interval !== null && position - last >= BigInt(interval);
  function* at(position: Position): Generator<ReadResp> {
    last = position;
    yield checkpoint(position);
  }
  return {
    *passed(position: Position): Generator<ReadResp> {
      if (isDue(position)) yield* at(position);
    },
    *reached(position: Position, behind: boolean): Generator<ReadResp> {
      if (isDue(position) || (behind && interval !== null && position > last)) yield* at(position);
    },
  };
}
