/**
 * EventStoreDB's protocol over the embedded log, through Scoria's own adapter: appends one by one and 64 in flight, and
 * reads of the whole log; each beside the embedded store's own rate in the same run. Server and client share a process.
 * Usage: node bench/protocol-server.ts [--short]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventStoreDb } from '../src/adapters/eventstoredb/event-store.ts';
import { openSqliteEventStore } from '../src/adapters/sqlite/event-store.ts';
import { createEventStoreServer } from '../src/eventstore-server/server.ts';
import type { EventStore } from '../src/ports/event-store.ts';
import { type Figure, figureOf, isShort, print, rounded } from './figures.ts';
import { aRequest } from './volume-life.ts';

const IN_FLIGHT = 64;
const APPENDS = isShort ? 3_000 : 20_000;

async function appended(what: string, store: EventStore, count: number, inFlight: number): Promise<Figure> {
  const events = Array.from({ length: count }, (_, index) => aRequest(index));
  const durationsMs: number[] = [];
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let event = events[next++]; event !== undefined; event = events[next++]) {
      const startedAt = performance.now();
      await store.append(`volume-${event.id}`, 'no-stream', [event]);
      durationsMs.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: inFlight }, writer));
  return figureOf(what, durationsMs, performance.now() - startedAt);
}

async function read(what: string, store: EventStore): Promise<Figure> {
  const startedAt = performance.now();
  let count = 0;
  for await (const _ of store.readAll()) count += 1;
  return { what, per_second: rounded((count / (performance.now() - startedAt)) * 1_000) };
}

/** The yardstick first, then the figure with its ratio. */
function printBeside(yardstick: Figure, figure: Figure): void {
  print(yardstick);
  print({
    ...figure,
    ratio: rounded((figure.per_second ?? 0) / (yardstick.per_second ?? 1)),
    yardstick: yardstick.what,
  });
}

async function run(directory: string): Promise<void> {
  const bare = await openSqliteEventStore({ file: join(directory, 'bare.db') });
  const behind = await openSqliteEventStore({ file: join(directory, 'behind.db') });
  const server = createEventStoreServer({ eventStore: behind, logger: { error: console.error } });
  const port = await server.listen('127.0.0.1', 0);
  const client = await openEventStoreDb({ connectionString: `esdb://127.0.0.1:${port}?tls=false` });
  try {
    for (const [how, count, inFlight] of [
      ['one by one', APPENDS / 10, 1],
      [`${IN_FLIGHT} in flight`, APPENDS, IN_FLIGHT],
    ] as const) {
      const yardstick = await appended(`events appended to the embedded store, ${how}`, bare, count, inFlight);
      const through = `events appended through the protocol server, ${how}`;
      printBeside(yardstick, await appended(through, client, count, inFlight));
    }
    const yardstick = await read('events read from the embedded store', bare);
    printBeside(yardstick, await read('events read through the protocol server', client));
  } finally {
    await client.close();
    await server.close();
    await behind.close();
    await bare.close();
  }
}

const directory = await mkdtemp(join(tmpdir(), 'scoria-bench-protocol-server-'));
try {
  await run(directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}
