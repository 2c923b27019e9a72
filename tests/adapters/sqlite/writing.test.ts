import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openSqliteEventStore } from '../../../src/adapters/sqlite/event-store.ts';
import { writeError } from '../../../src/adapters/sqlite/faults.ts';
import { startWriterThread } from '../../../src/adapters/sqlite/writer.ts';
import { StoreUnavailable } from '../../../src/ports/event-store.ts';
import { anEvent, collect, events } from '../../contracts/event-store-fixtures.ts';
import { readLog, temporaryDirectories, withEventStore } from './store-files.ts';

const aDirectory = temporaryDirectories();
const aFile = async (): Promise<string> => join(await aDirectory(), 'events.db');

describe('on a disk that takes 10 ms to sync', () => {
  it('appends that wait share one sync', async () => {
    await withEventStore({ file: await aFile(), simulateFsyncMs: 10 }, async (store) => {
      const startedAt = performance.now();
      await Promise.all(
        Array.from({ length: 64 }, async (_, writer) => {
          for (let n = 0; n < 10; n += 1) await store.append(`volume-${writer}-${n}`, 'no-stream', [anEvent()]);
        }),
      );
      // 640 syncs one after the other would take 6.4 s.
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    });
  });

  it('the main loop does not wait for it', async () => {
    await withEventStore({ file: await aFile(), simulateFsyncMs: 10 }, async (store) => {
      const loop = monitorEventLoopDelay({ resolution: 1 });
      await store.append('volume-0', 'no-stream', [anEvent()]);
      loop.enable();
      for (let n = 0; n < 60; n += 1) await store.append(`volume-x${n}`, 'no-stream', [anEvent()]);
      loop.disable();
      expect(loop.count).toBeGreaterThan(60);
      // On the main loop, every delay would be one sync or more.
      expect(loop.percentile(50) / 1e6).toBeLessThan(5);
    });
  });
});

describe('an append that cannot be written', () => {
  it('to a full disk is not done, says so, and is done when there is room again', async () => {
    const file = await aFile();
    const batch = [anEvent({ text: 'x'.repeat(1_000_000) })];
    await withEventStore({ file, maxPages: 60 }, async (store) => {
      await store.append('volume-1', 'no-stream', events(3));
      const refused = store.append('volume-2', 'no-stream', batch);
      await expect(refused).rejects.toThrow(/disk is full/);
      await expect(refused).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'not-done' });
      expect(await collect(store.readAll())).toHaveLength(3);
    });
    await withEventStore({ file }, (store) => store.append('volume-2', 'no-stream', batch));
    expect(await readLog({ file })).toHaveLength(4);
  });

  it('does not fail the others that share its transaction', async () => {
    await withEventStore({ file: await aFile(), maxPages: 60 }, async (store) => {
      const large = store.append('large', 'no-stream', [anEvent({ text: 'x'.repeat(1_000_000) })]);
      const others = Array.from({ length: 10 }, (_, n) => store.append(`volume-${n}`, 'no-stream', [anEvent()]));
      const outcomes = await Promise.allSettled([...others.slice(0, 5), large, ...others.slice(5)]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(
        Array.from({ length: 11 }, (_, n) => (n === 5 ? 'rejected' : 'fulfilled')),
      );
      expect(await collect(store.readAll())).toHaveLength(10);
    });
  });

  it('after the store is closed is not done', async () => {
    const store = await openSqliteEventStore({ file: await aFile() });
    await store.close();
    await store.close();
    await expect(store.append('volume-1', 'no-stream', [anEvent()])).rejects.toMatchObject({ outcome: 'not-done' });
  });

  it.each([
    ['a stream without a name', '', 'no-stream' as const, 1],
    ['a stream with a line break in its name', 'a\nb', 'no-stream' as const, 1],
    ['no events', 'volume-1', 'no-stream' as const, 0],
    ['a revision below 0', 'volume-1', -1n, 1],
  ])('because it names %s is a mistake of the caller', async (_, stream, expected, count) => {
    await withEventStore({ file: await aFile() }, (store) =>
      expect(store.append(stream, expected, events(count))).rejects.toThrow(RangeError),
    );
  });

  it.each([
    ['a full disk, before the commit', 13, 'before-commit' as const, 'not-done'],
    ['a full disk, in the commit', 13, 'commit' as const, 'not-done'],
    ['a read-only file', 8, 'before-commit' as const, 'not-done'],
    ['a lock', 5, 'before-commit' as const, 'not-done'],
    ['an I/O error, before the commit', 10, 'before-commit' as const, 'not-done'],
    ['an I/O error when writing the commit (extended code)', 10 | (3 << 8), 'commit' as const, 'unknown'],
    ['a failed fsync (extended code)', 10 | (4 << 8), 'commit' as const, 'unknown'],
    ['anything else in the commit', undefined, 'commit' as const, 'unknown'],
  ])('because of %s has the right outcome', (_, errcode, phase, outcome) => {
    expect(writeError('events.db', { errcode, message: 'x', phase })).toMatchObject({ outcome });
  });
});

describe('a directory that cannot hold a store', () => {
  it('is named when the store is opened', async () => {
    const directory = await aDirectory();
    await mkdir(join(directory, 'events.db'));
    for (const file of [join(directory, 'not-there', 'events.db'), join(directory, 'events.db')]) {
      const opening = openSqliteEventStore({ file });
      await expect(opening).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(opening).rejects.toThrow(file);
    }
  });
});

describe('the times of the log', () => {
  it('never go back, whatever the wall clock does, also over a restart', async () => {
    const file = await aFile();
    const wall = { at: 5_000, now: () => wall.at };
    await withEventStore({ file, clock: wall }, async (store) => {
      await store.append('volume-1', 'no-stream', [anEvent()]);
      wall.at = 1_000;
      await store.append('volume-2', 'no-stream', [anEvent()]);
      wall.at = 9_000;
      await store.append('volume-3', 'no-stream', [anEvent()]);
    });
    wall.at = 2_000;
    await withEventStore({ file, clock: wall }, async (store) => {
      await store.append('volume-4', 'no-stream', [anEvent()]);
      const times = (await collect(store.readAll())).map((event) => event.recordedAt);
      expect(times).toEqual([5_000, 5_000, 9_000, 9_000]);
      expect(await Promise.all([4_999, 5_000, 8_999, 9_000, 10_000].map((at) => store.positionAt(at)))).toEqual([
        null,
        2n,
        2n,
        4n,
        4n,
      ]);
    });
  });
});

describe('a writer thread that ends while appends are on their way', () => {
  it('leaves their outcome unknown, and the same appends again succeed in a new thread', async () => {
    const thread = startWriterThread();
    const file = await aFile();
    const store = await openSqliteEventStore({ file, writer: thread, simulateFsyncMs: 200 });
    const batches = Array.from({ length: 5 }, () => events(2));
    const appending = batches.map((batch, n) => store.append(`volume-${n}`, 'no-stream', batch));
    const outcomes = Promise.allSettled(appending);
    await sleep(100);
    await thread.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable', outcome: 'unknown' } });
    }
    await Promise.all(batches.map((batch, n) => store.append(`volume-${n}`, 'no-stream', batch)));
    expect(await collect(store.readAll())).toHaveLength(10);
    await store.close();
    await thread.close();
  });
});

describe('the log', () => {
  it('gives the text of data as it was written to who reads it for that', async () => {
    await withEventStore({ file: await aFile() }, async (store) => {
      const event = anEvent({ n: 1, text: 'ä "quoted"\n' });
      await store.append('volume-1', 'no-stream', [event]);
      const read = await collect(store.readAll({ withText: true }));
      expect(read.map(({ dataText }) => dataText)).toEqual([JSON.stringify(event.data)]);
    });
  });
});
