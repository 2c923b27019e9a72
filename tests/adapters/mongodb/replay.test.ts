import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openMongoReadStore } from '../../../src/adapters/mongodb/read-store.ts';
import { openSqliteEventStore } from '../../../src/adapters/sqlite/event-store.ts';
import type { RecordedEvent } from '../../../src/ports/event-store.ts';
import { givenRecorded, toAppend } from '../../projections/recorded.ts';
import { counting } from './counting-projection.ts';
import { mongoServer, testDatabase } from './server.ts';

const server = mongoServer();
const EVENTS = 1_500;
const DOCUMENTS = 60;

const child = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [fileURLToPath(new URL('./projecting-process.ts', import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

describe.skipIf(server.url === null)(`read models in MongoDB whose writer is killed (${server.reason})`, () => {
  it('are in the end what the log says: no event is folded twice, none is left out', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'scoria-replay-'));
    const file = join(directory, 'events.db');
    const eventStore = await openSqliteEventStore({ file });
    const events = Array.from({ length: EVENTS }, (_, n) =>
      toAppend({ type: 'VolumeUpdated', data: { id: `d${(n * 7) % DOCUMENTS}` } }),
    );
    await eventStore.append('volume-1', 'no-stream', events);
    const log: RecordedEvent[] = [];
    for await (const event of eventStore.readAll()) log.push(event);
    const { url, database, drop } = testDatabase();

    let kills = 0;
    // in other batches each time, so that what is replayed ends elsewhere
    for (const [afterMs, batch] of [
      [50, 90],
      [120, 50],
      [200, 70],
      [310, 31],
      [90, 110],
      [150, 43],
      [250, 64],
    ] as const) {
      const writer = child(file, url, database, String(batch));
      const ended = once(writer, 'exit');
      await once(writer.stdout ?? writer, 'data');
      await sleep(afterMs);
      if (writer.exitCode === null) kills += 1;
      writer.kill('SIGKILL');
      await ended;
    }
    const [code] = await once(child(file, url, database, '37'), 'exit');
    expect(code).toBe(0);
    expect(kills).toBeGreaterThan(0);

    const readStore = await openMongoReadStore({ url, database, clock: { now: Date.now } });
    const found = await readStore.find('counts', {});
    expect(new Map(found.map((document) => [document.id, document]))).toEqual(givenRecorded(counting, log).documents);
    await readStore.close();
    await eventStore.close();
    await drop();
    await rm(directory, { recursive: true });
  });
});
