import type { EventMetadata } from '../../domain/kernel/event.ts';
import type { RecordedEvent } from '../../ports/event-store.ts';
import type { AppendOutcome, AppendUnit } from './writer-protocol.ts';

/**
 * The last events that this process appended, so that subscriptions that keep up with the log need not read from the
 * file, check and parse what has just been written. They come from the text that was stored, never from the objects it
 * was made of: what a subscriber sees is the same however late it is.
 */
export interface RecentEvents {
  /** Takes note of what was appended; results must come in the order of the log. */
  add(unit: AppendUnit, outcome: Extract<AppendOutcome, { kind: 'appended' }>): void;
  /** What lies behind this position without a gap; null where it is not all here. */
  behind(position: number): readonly RecordedEvent[] | null;
}

/** Subscriptions that are further behind read the file; so do all after another process has appended. */
const KEPT_EVENTS = 512;

interface Kept {
  readonly unit: AppendUnit;
  /** Of the event within its unit. */
  readonly index: number;
  readonly position: number;
  readonly revision: number;
  readonly recordedAt: number;
  /** Made when the first subscription asks. */
  event: RecordedEvent | null;
}

export function createRecentEvents(): RecentEvents {
  let kept: Kept[] = [];
  /** Position of the last event that was noted. */
  let last = 0;

  return {
    add: (unit, { position, revision, recordedAt }) => {
      // a repeated append has lain in the log for some time
      if (recordedAt === null || position <= last) return;
      const count = unit.events.length;
      if (position - count !== last) kept = [];
      else if (kept.length >= 2 * KEPT_EVENTS) kept = kept.slice(-KEPT_EVENTS);
      last = position;
      for (let index = 0; index < count; index += 1) {
        const fromEnd = count - 1 - index;
        kept.push({
          ...{ unit, index, recordedAt, event: null },
          position: position - fromEnd,
          revision: revision - fromEnd,
        });
      }
    },
    behind: (position) => {
      const [first] = kept;
      if (first === undefined || position + 1 < first.position || position >= last) return null;
      return kept.slice(position + 1 - first.position).map(eventOf);
    },
  };
}

function eventOf(kept: Kept): RecordedEvent {
  if (kept.event !== null) return kept.event;
  const { unit, index, position, revision, recordedAt } = kept;
  const stored = unit.events[index];
  if (stored === undefined) throw new RangeError(`append to ${unit.stream} has no event ${index}`);
  kept.event = {
    position: BigInt(position),
    stream: unit.stream,
    revision: BigInt(revision),
    id: stored.id,
    type: stored.type,
    data: JSON.parse(stored.data) as unknown,
    metadata: JSON.parse(stored.metadata) as EventMetadata,
    recordedAt,
    dataText: stored.data,
  };
  return kept.event;
}
