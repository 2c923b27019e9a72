import type { EventToAppend, Position } from '../ports/event-store.ts';
import type { CommittedIds } from './committed-ids.ts';
import { NO_EVENTS, type StreamHead } from './stream-head.ts';

/** What a writer expects of a stream; a number is the revision of its last event. */
export type Expected = bigint | 'no-stream' | 'any' | 'stream-exists';

export type WriteOutcome =
  | {
      readonly kind: 'written';
      /** Revision of the last event; -1 where the append was empty and the stream has none. */
      readonly revision: bigint;
      readonly position: Position | null;
    }
  | { readonly kind: 'wrong-revision'; readonly current: bigint }
  | { readonly kind: 'deleted' };

/** How often a write begins anew because somebody else's came between. */
export const MAX_CONFLICTS = 50;

export const revisionOf = (expected: bigint | 'no-stream'): bigint => (expected === 'no-stream' ? NO_EVENTS : expected);

/** What the real server does before it looks at event ids; null: go on. */
export function refusalBeforeIds(head: StreamHead, expected: Expected): WriteOutcome | null {
  if (head.state === 'tombstoned') return { kind: 'deleted' };
  if (expected !== 'stream-exists') return null;
  if (head.state === 'deleted') return { kind: 'deleted' };
  const exists = head.revision > NO_EVENTS || head.metadataEvent !== null;
  return exists ? null : { kind: 'wrong-revision', current: head.revision };
}

/** Whether something without an event id of its own (an empty append, a deletion) may be written at this head; null: it may. */
export function refusalOfRevision(
  head: StreamHead,
  expected: Expected,
  { noStreamMeansDeletedToo }: { readonly noStreamMeansDeletedToo: boolean },
): WriteOutcome | null {
  if (expected === 'any' || expected === 'stream-exists') return null;
  if (expected === 'no-stream' && head.state === 'deleted' && noStreamMeansDeletedToo) return null;
  return revisionOf(expected) === head.revision ? null : { kind: 'wrong-revision', current: head.revision };
}

/** An append without an expected revision: whether its ids say that it was written before; `mixed`: some of it was. */
export type Repetition =
  | { readonly kind: 'new' }
  | { readonly kind: 'repeated'; readonly lastRevision: bigint }
  | { readonly kind: 'mixed' };

export function repetitionOf(ids: CommittedIds, stream: string, events: readonly EventToAppend[]): Repetition {
  let lastRevision: bigint | null = null;
  for (const { id } of events) {
    const committed = ids.find(id);
    if (committed?.stream !== stream) return { kind: lastRevision === null ? 'new' : 'mixed' };
    lastRevision = committed.revision;
  }
  return lastRevision === null ? { kind: 'new' } : { kind: 'repeated', lastRevision };
}

/** What a deletion is told that expected something else, as the protocol numbers it. */
export function expectedNumber(expected: Expected): bigint {
  if (typeof expected === 'bigint') return expected;
  return { 'no-stream': -1n, any: -2n, 'stream-exists': -4n }[expected];
}
