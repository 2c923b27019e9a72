import type { AllStreamResolvedEvent, ResolvedEvent } from '@eventstore/db-client';
import type { Actor, EventMetadata, ForeignContent } from '../../domain/kernel/event.ts';
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
  const { streamId: stream, revision, id, type } = event;
  return {
    stream,
    revision,
    position,
    createdAt: event.created.getTime(),
    event: (recordedAt) => ({ id, type, ...contentOf(event), stream, revision, position, recordedAt }),
  };
}

type Content = Pick<RecordedEvent, 'data' | 'metadata'>;

/** Scoria's own as it was appended; what other programs keep in the same store is marked as theirs. */
function contentOf(event: NonNullable<Resolved['event']>): Content {
  const { id, data, metadata, isJson } = event;
  if (isJson && isScorias(metadata)) return { data, metadata };
  const foreign: ForeignContent = {
    json: isJson,
    data: isJson ? 'json' : 'base64',
    ...(metadata instanceof Uint8Array ? { metadataBase64: base64Of(metadata) } : {}),
    ...(metadata === undefined || metadata instanceof Uint8Array ? {} : { metadata: JSON.stringify(metadata) }),
  };
  const actor: Actor = { userId: '', projectId: '', roles: [], kind: 'user' };
  const ids = { commandId: id, correlationId: `req-${id}`, causationId: id };
  return {
    data: data instanceof Uint8Array ? base64Of(data) : data,
    metadata: { ...ids, actor, at: event.created.getTime(), schemaVersion: 1, foreign },
  };
}

function isScorias(metadata: unknown): metadata is EventMetadata {
  if (typeof metadata !== 'object' || metadata === null) return false;
  const { commandId, actor, schemaVersion } = metadata as Readonly<Record<string, unknown>>;
  return typeof commandId === 'string' && typeof actor === 'object' && typeof schemaVersion === 'number';
}

const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

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
