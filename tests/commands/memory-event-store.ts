import type { Instant } from '../../src/domain/kernel/units.ts';
import {
  type AppendResult,
  type Delivery,
  type EventStore,
  type EventToAppend,
  type ExpectedRevision,
  type Position,
  type ReadAllOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  RevisionConflict,
  StoreUnavailable,
  type StreamFilter,
  type SubscribeOptions,
} from '../../src/ports/event-store.ts';

/**
 * What goes wrong with one append. `landed`: it is done, but the writer is not told; `lost`: it is not done, and the
 * writer cannot know; `down`: it is refused before anything happened.
 */
export type PlantedFault = 'landed' | 'lost' | 'down';

/** An event store that forgets everything, and in which tests plant conflicts and unknown outcomes. */
export interface MemoryEventStore extends EventStore {
  /** The faults of the coming appends to a stream, in order; null: that one goes well. */
  plantFaults(stream: string, ...faults: readonly (PlantedFault | null)[]): void;
  /** Runs before the next append to a stream is looked at: another writer slips in. */
  beforeNextAppend(stream: string, slipIn: () => Promise<unknown>): void;
  readonly events: readonly RecordedEvent[];
  eventsOf(stream: string): readonly RecordedEvent[];
  readonly calls: { append: number; readStream: number };
  /** Every append that reached the store, also those that failed. */
  readonly appends: readonly {
    readonly stream: string;
    readonly expected: ExpectedRevision;
    readonly ids: readonly string[];
  }[];
}

export function createMemoryEventStore(now: () => Instant = () => 0): MemoryEventStore {
  const log: RecordedEvent[] = [];
  const streams = new Map<string, RecordedEvent[]>();
  const faults = new Map<string, (PlantedFault | null)[]>();
  const slippingIn = new Map<string, (() => Promise<unknown>)[]>();
  const appends: { stream: string; expected: ExpectedRevision; ids: string[] }[] = [];
  const calls = { append: 0, readStream: 0 };
  let wake = (): void => {};
  let grown = new Promise<void>((resolve) => {
    wake = resolve;
  });

  const write = (stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): AppendResult => {
    const there = streams.get(stream) ?? [];
    const from = expected === 'no-stream' ? 0 : Number(expected) + 1;
    const same = events.length > 0 && events.every((event, index) => there[from + index]?.id === event.id);
    if (!same) {
      if (there.length !== from) throw new RevisionConflict(stream, expected);
      for (const event of events) {
        const recorded: RecordedEvent = {
          ...structuredClone(event),
          stream,
          revision: BigInt(there.length),
          position: BigInt(log.length),
          recordedAt: Math.max(now(), log.at(-1)?.recordedAt ?? 0),
        };
        there.push(recorded);
        log.push(recorded);
      }
      streams.set(stream, there);
    }
    const last = there[from + events.length - 1];
    if (last === undefined) throw new Error('an append needs events');
    const { revision, position } = last;
    wake();
    grown = new Promise((resolve) => {
      wake = resolve;
    });
    return { revision, position };
  };

  const readAll = async function* (options: ReadAllOptions = {}): AsyncIterable<RecordedEvent> {
    const { after, direction = 'forwards', limit = Number.POSITIVE_INFINITY } = options;
    const forwards = direction === 'forwards';
    const chosen = log.filter(
      (event) =>
        inStreams(event, options.streams) &&
        (after === undefined || (forwards ? event.position > after : event.position < after)),
    );
    yield* (forwards ? chosen : chosen.reverse()).slice(0, limit);
  };

  return {
    events: log,
    eventsOf: (stream) => streams.get(stream) ?? [],
    calls,
    appends,
    plantFaults: (stream, ...planted) => faults.set(stream, [...(faults.get(stream) ?? []), ...planted]),
    beforeNextAppend: (stream, slipIn) => slippingIn.set(stream, [...(slippingIn.get(stream) ?? []), slipIn]),
    append: async (stream, expected, events) => {
      calls.append += 1;
      await Promise.resolve();
      await slippingIn.get(stream)?.shift()?.();
      appends.push({ stream, expected, ids: events.map((event) => event.id) });
      const fault = faults.get(stream)?.shift() ?? null;
      if (fault === 'down') throw new StoreUnavailable('the store is down', 'not-done');
      if (fault === 'lost') throw new StoreUnavailable('no answer came', 'unknown');
      const result = write(stream, expected, events);
      if (fault === 'landed') throw new StoreUnavailable('no answer came', 'unknown');
      return result;
    },
    readStream: async function* (stream, options: ReadStreamOptions = {}) {
      calls.readStream += 1;
      await Promise.resolve();
      const { from, direction = 'forwards', limit = Number.POSITIVE_INFINITY } = options;
      const there = [...(streams.get(stream) ?? [])];
      const chosen = there.filter(({ revision }) =>
        from === undefined ? true : direction === 'forwards' ? revision >= from : revision <= from,
      );
      yield* (direction === 'forwards' ? chosen : chosen.reverse()).slice(0, limit);
    },
    readAll,
    subscribe: async function* ({ after, streams: filter, signal }: SubscribeOptions): AsyncIterable<Delivery> {
      let position: Position | null = after;
      const aborted = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      while (!signal.aborted) {
        const more = grown;
        for (const event of log.slice(position === null ? 0 : Number(position) + 1)) {
          if (signal.aborted) return;
          position = event.position;
          if (inStreams(event, filter)) yield { kind: 'event', event };
        }
        if (signal.aborted) return;
        yield { kind: 'caught-up', position };
        if (log.length === (position === null ? 0 : Number(position) + 1)) await Promise.race([more, aborted]);
      }
    },
    head: async () => log.at(-1)?.position ?? null,
    positionAt: async (at) => log.findLast((event) => event.recordedAt <= at)?.position ?? null,
    close: async () => {},
  };
}

const inStreams = (event: RecordedEvent, filter: StreamFilter | undefined): boolean =>
  filter === undefined || filter.prefixes.some((prefix) => event.stream.startsWith(prefix));
