/**
 * What the embedded event store does: appends one by one and 64 at a time, how many share one sync, what a slow disk
 * costs the main loop, and how fast the log is read. One JSON line per figure.
 * Usage: node bench/event-store-append.ts [--short]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteEventStore } from '../src/adapters/sqlite/event-store.ts';
import type { EventStore, EventToAppend } from '../src/ports/event-store.ts';
import { figureOf, isShort, percentile, print, rounded } from './figures.ts';
import { aRequest } from './volume-life.ts';

const IN_FLIGHT = 64;
const SLOW_SYNC_MS = 10;
const APPENDS = isShort ? 5_000 : 40_000;

/** The yardstick: the same rows in the same file format, each synced on its own, on the main thread. */
function bareCommits(directory: string, events: readonly EventToAppend[]): number[] {
  const database = new DatabaseSync(join(directory, 'bare.db'));
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE events (id TEXT, data TEXT, metadata TEXT)',
  );
  const insert = database.prepare('INSERT INTO events VALUES (?, ?, ?)');
  const durationsMs = events.map((event) => {
    const startedAt = performance.now();
    insert.run(event.id, JSON.stringify(event.data), JSON.stringify(event.metadata));
    return performance.now() - startedAt;
  });
  database.close();
  return durationsMs;
}

interface Appended {
  readonly durationsMs: readonly number[];
  readonly elapsedMs: number;
  /** Appends that were answered together, on average: those of one commit come in one message. */
  readonly perCommit: number;
}

async function appendAll(store: EventStore, events: readonly EventToAppend[], inFlight: number): Promise<Appended> {
  const durationsMs: number[] = [];
  let next = 0;
  let answeredThisTurn = 0;
  let commits = 0;
  const countTurn = (): void => {
    if (answeredThisTurn === 0) {
      commits += 1;
      setImmediate(() => {
        answeredThisTurn = 0;
      });
    }
    answeredThisTurn += 1;
  };
  const writer = async (): Promise<void> => {
    for (let event = events[next++]; event !== undefined; event = events[next++]) {
      const startedAt = performance.now();
      await store.append(`volume-${event.id}`, 'no-stream', [event]);
      countTurn();
      durationsMs.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: inFlight }, writer));
  return { durationsMs, elapsedMs: performance.now() - startedAt, perCommit: events.length / commits };
}

/** How late a task of the main loop that asks to run in a millisecond runs, until `work` is done. */
async function latenessMs(work: () => Promise<unknown>): Promise<readonly number[]> {
  const late: number[] = [];
  let done = false;
  const finished = work().finally(() => {
    done = true;
  });
  while (!done) {
    const askedAt = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 1));
    late.push(Math.max(0, performance.now() - askedAt - 1));
  }
  await finished;
  return late;
}

async function withStore<T>(
  file: string,
  options: { simulateFsyncMs?: number },
  use: (store: EventStore) => Promise<T>,
) {
  const store = await openSqliteEventStore({ file, ...options });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

async function count(events: AsyncIterable<unknown>): Promise<number> {
  let read = 0;
  for await (const _ of events) read += 1;
  return read;
}

async function run(directory: string): Promise<void> {
  const events = Array.from({ length: APPENDS }, (_, index) => aRequest(index));
  const few = events.slice(0, APPENDS / 10);
  const bareMs = bareCommits(directory, few);
  const bare = figureOf(
    'bare commits, one row each, on the main thread',
    bareMs,
    bareMs.reduce((sum, ms) => sum + ms, 0),
  );
  const yardstick = bare.what;
  const against = (perSecond: number | undefined) => rounded((perSecond ?? 0) / (bare.per_second ?? 1));
  print(bare);

  const file = join(directory, 'events.db');
  await withStore(join(directory, 'one.db'), {}, async (store) => {
    const { durationsMs, elapsedMs } = await appendAll(store, few, 1);
    const figure = figureOf('events appended one by one', durationsMs, elapsedMs);
    print({ ...figure, ratio: against(figure.per_second), yardstick });
  });
  await withStore(file, {}, async (store) => {
    const { durationsMs, elapsedMs, perCommit } = await appendAll(store, events, IN_FLIGHT);
    const figure = figureOf(`events appended, ${IN_FLIGHT} in flight`, durationsMs, elapsedMs);
    print({ ...figure, ratio: against(figure.per_second), yardstick });
    print({ what: `appends that share a sync, ${IN_FLIGHT} in flight`, ratio: rounded(perCommit) });
  });

  const idle = percentile(await latenessMs(() => new Promise((resolve) => setTimeout(resolve, 1_000))), 0.99);
  await withStore(join(directory, 'slow.db'), { simulateFsyncMs: SLOW_SYNC_MS }, async (store) => {
    let appended: Appended | undefined;
    const late = await latenessMs(async () => {
      appended = await appendAll(store, few, IN_FLIGHT);
    });
    const slow = `a disk that takes ${SLOW_SYNC_MS} ms to sync, ${IN_FLIGHT} in flight`;
    if (appended !== undefined) {
      print({ ...figureOf(`events appended to ${slow}`, appended.durationsMs, appended.elapsedMs) });
      print({ what: `appends that share a sync on ${slow}`, ratio: rounded(appended.perCommit) });
    }
    const p99 = percentile(late, 0.99);
    print({
      what: `lateness of a main-loop task beside ${slow}`,
      p50_ms: rounded(percentile(late, 0.5)),
      p99_ms: rounded(p99),
      ratio: rounded(p99 / idle),
      yardstick: 'the same task in an idle process',
    });
  });

  await withStore(file, {}, async (store) => {
    const timed = async (what: string, read: () => Promise<number>): Promise<void> => {
      const startedAt = performance.now();
      const total = await read();
      print({ what, per_second: rounded((total / (performance.now() - startedAt)) * 1_000) });
    };
    await timed('events read from the whole log', () => count(store.readAll()));
    await timed('events read by a subscription that catches up', async () => {
      const stop = new AbortController();
      let read = 0;
      for await (const delivery of store.subscribe({ after: null, signal: stop.signal })) {
        if (delivery.kind === 'caught-up') break;
        read += 1;
      }
      return read;
    });
  });
}

const directory = await mkdtemp(join(tmpdir(), 'scoria-bench-event-store-'));
try {
  await run(directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}
