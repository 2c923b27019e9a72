import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteEventStore } from '../../src/adapters/sqlite/event-store.ts';
import type { EventStore, EventToAppend } from '../../src/ports/event-store.ts';
import { anEvent, events } from '../contracts/event-store-fixtures.ts';

/** A data directory with an embedded log. */
export interface TestLog {
  readonly directory: string;
  readonly store: EventStore;
  stop(): Promise<void>;
}

export async function anEmbeddedLog(): Promise<TestLog> {
  const directory = await mkdtemp(join(tmpdir(), 'scoria-log-copy-'));
  const store = await openSqliteEventStore({ file: join(directory, 'events.db') });
  return {
    directory,
    store,
    stop: async () => {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** So many events over streams that come and go, one to five at a time, with text that JSON has to escape. */
export async function fill(store: EventStore, count: number): Promise<void> {
  let written = 0;
  const revisions = new Map<string, bigint>();
  for (let round = 0; written < count; round += 1) {
    const stream = `volume-${round % 3 === 0 ? round : round % 17}`;
    const size = Math.min(1 + (round % 5), count - written);
    const last = revisions.get(stream);
    const batch = Array.from({ length: size }, (_, n) =>
      anEvent({ n: written + n, name: `ä"\\\u2028 ${round}`, 7: [1.5e300, null] }),
    );
    await store.append(stream, last ?? 'no-stream', batch);
    revisions.set(stream, (last ?? -1n) + BigInt(size));
    written += size;
  }
}

/** An event as the protocol server keeps those of other programs. */
export const aForeignEvent = (): EventToAppend => {
  const [event] = events(1);
  if (event === undefined) throw new Error('no event');
  return {
    ...event,
    id: randomUUID(),
    data: Buffer.from([0xff, 0x00]).toString('base64'),
    metadata: { ...event.metadata, foreign: { json: false, data: 'base64' } },
  };
};

/** What a copy must not change. */
export async function contentOf(store: EventStore): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { stream, revision, id, type, data, metadata } of store.readAll()) {
    if (!stream.startsWith('$')) lines.push(JSON.stringify([stream, `${revision}`, id, type, data, metadata]));
  }
  return lines;
}
