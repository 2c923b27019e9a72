import type { AllStreamResolvedEvent, ResolvedEvent } from '@eventstore/db-client';
import type { EventMetadata } from '../../domain/kernel/event.ts';
import type { Instant } from '../../domain/kernel/units.ts';
import type { Position, RecordedEvent, StreamFilter } from '../../ports/event-store.ts';

export type Resolved = ResolvedEvent | AllStreamResolvedEvent;

/** Something in the log: an event, or what the server keeps in streams of its own. */
export interface LogEntry {
  readonly stream: string;
  readonly revision: bigint;
  /** Commit and prepare position are one: nothing is written in transactions of several writes. */
  readonly position: Position;
  readonly createdAt: Instant;
  event(recordedAt: Instant): RecordedEvent;
}

/** Null for a link whose event is gone. */
export function entryOf(resolved: Resolved): LogEntry | null {
  const { event } = resolved;
  const position = event?.position?.commit ?? resolved.commitPosition;
  if (event === undefined || position === undefined) return null;
  const { streamId: stream, revision, id, type, data } = event;
  return {
    stream,
    revision,
    position,
    createdAt: event.created.getTime(),
    event: (recordedAt) => ({
      id,
      type,
      data,
      metadata: event.metadata as unknown as EventMetadata,
      stream,
      revision,
      position,
      recordedAt,
    }),
  };
}

export const isSystemStream = (stream: string): boolean => stream.startsWith('$');

/** True for a stream that the reader wants; those of the server itself never are. */
export const isWanted = (stream: string, streams: StreamFilter | undefined): boolean =>
  !isSystemStream(stream) && (streams === undefined || streams.prefixes.some((prefix) => stream.startsWith(prefix)));

/**
 * Times of a log that is read in one direction. Each leader writes its own clock's, which may go back where leaders
 * change; along one reading they do not.
 */
export function createTimeline(direction: 'forwards' | 'backwards'): (createdAt: Instant) => Instant {
  let last: Instant | null = null;
  return (createdAt) => {
    if (last === null) last = createdAt;
    else last = direction === 'forwards' ? Math.max(last, createdAt) : Math.min(last, createdAt);
    return last;
  };
}
