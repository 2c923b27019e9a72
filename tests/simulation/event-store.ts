import {
  type Delivery,
  type EventStore,
  type EventToAppend,
  type ExpectedRevision,
  type Position,
  type RecordedEvent,
  RevisionConflict,
  StoreUnavailable,
  type SubscribeOptions,
} from '../../src/ports/event-store.ts';
import { createMemoryEventStore } from '../commands/memory-event-store.ts';
import type { Scheduler, SimProcess } from './scheduler.ts';
import type { Weather } from './weather.ts';

/** The log as it lies on the disk, whoever is connected to it. */
export interface SimulatedLog {
  /** The log as one process reaches it. */
  connect(process: SimProcess): EventStore;
  readonly events: readonly RecordedEvent[];
}

const DELIVERED_AGAIN = 3;
/** What an undo that finds nothing must not leave to land after it. */
const CLAIMS: ReadonlySet<string> = new Set(['PoolCapacityClaimed', 'VolumePinned']);

/** One log that survives every process: calls take their turn, go wrong, and are known to have gone well only later. */
export function createSimulatedLog(options: {
  readonly scheduler: Scheduler;
  readonly weather: () => Weather;
  /** Called as soon as events are durable, before their writer knows. */
  readonly onAppended: (events: readonly RecordedEvent[]) => void;
  readonly wallNow: () => number;
  /** Of what a network does after its sender has given up. */
  readonly network: SimProcess;
}): SimulatedLog {
  const { scheduler, weather, onAppended, network } = options;
  const { random } = scheduler;
  const base = createMemoryEventStore(options.wallNow);
  const subscribers = new Set<() => void>();

  const store = async (stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]) => {
    const before = base.events.length;
    const result = await base.append(stream, expected, events);
    onAppended(base.events.slice(before));
    for (const wake of subscribers) wake();
    return result;
  };

  const storeLate = async (stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]) => {
    await scheduler.turn(network, `late append to ${stream}`, { delayMs: random.between(1, 3_000) });
    await store(stream, expected, events).catch((error) => {
      if (!(error instanceof RevisionConflict)) throw error;
    });
  };

  const grown = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        subscribers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      subscribers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });

  const connect = (process: SimProcess): EventStore => {
    const reading = async (what: string): Promise<void> => {
      await scheduler.turn(process, what);
      if (random.chance(weather().readDown)) throw new StoreUnavailable('the event store is down', 'not-done');
    };

    async function* deliver({ after, streams, signal }: SubscribeOptions): AsyncGenerator<Delivery> {
      let position: Position | null = after;
      const wanted = (event: RecordedEvent): boolean =>
        streams === undefined || streams.prefixes.some((prefix) => event.stream.startsWith(prefix));
      while (!signal.aborted) {
        const more = grown(signal);
        await scheduler.turn(process, 'deliver');
        const { subscription } = weather();
        if (random.chance(subscription.breaks)) throw new StoreUnavailable('the subscription broke', 'not-done');
        for (const event of base.events.slice(position === null ? 0 : Number(position) + 1)) {
          if (signal.aborted) return;
          position = event.position;
          if (wanted(event)) yield { kind: 'event', event };
          if (random.chance(weather().subscription.breaks))
            throw new StoreUnavailable('the subscription broke', 'not-done');
        }
        if (signal.aborted) return;
        yield { kind: 'caught-up', position };
        if (position !== null && random.chance(subscription.repeats)) {
          const again = position - BigInt(random.between(1, DELIVERED_AGAIN));
          position = again < (after ?? -1n) ? after : again < 0n ? null : again;
          continue;
        }
        if (base.events.length === (position === null ? 0 : Number(position) + 1)) await more;
      }
    }

    return {
      append: async (stream, expected, events) => {
        const { pauseBeforeClaim } = weather();
        if (pauseBeforeClaim > 0 && events.some(({ type }) => CLAIMS.has(type)) && random.chance(pauseBeforeClaim))
          scheduler.pause(process, random.between(20_000, 40_000));
        await scheduler.turn(process, `append ${events.map(({ type }) => type).join(', ')} to ${stream}`);
        const { append } = weather();
        if (random.chance(append.down)) throw new StoreUnavailable('the event store is down', 'not-done');
        if (random.chance(append.lost)) throw new StoreUnavailable('no answer came', 'unknown');
        if (random.chance(append.late)) {
          void storeLate(stream, expected, events);
          throw new StoreUnavailable('no answer came', 'unknown');
        }
        const result = await store(stream, expected, events);
        await scheduler.turn(process, `answer to the append to ${stream}`);
        if (random.chance(append.landed)) throw new StoreUnavailable('no answer came', 'unknown');
        return result;
      },
      readStream: async function* (stream, readOptions) {
        await reading(`read ${stream}`);
        yield* base.readStream(stream, readOptions);
      },
      readAll: async function* (readOptions) {
        await reading('read the log');
        yield* base.readAll(readOptions);
      },
      subscribe: deliver,
      head: async () => {
        await reading('read the head');
        return base.head();
      },
      positionAt: (at) => base.positionAt(at),
      close: async () => {},
    };
  };

  return { connect, events: base.events };
}
