import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteCoordination } from '../../../src/adapters/sqlite/coordination.ts';
import { DamagedStore } from '../../../src/adapters/sqlite/faults.ts';
import { startWriterThread } from '../../../src/adapters/sqlite/writer.ts';
import { copyAsAfterPowerFailure, sharedWriterThread, temporaryDirectories } from './store-files.ts';

const aDirectory = temporaryDirectories();
const clock = { monotonicMs: () => 0 };

describe('the embedded coordination store', () => {
  it('is named when its file is damaged, since nothing can build it again', async () => {
    const file = join(await aDirectory(), 'coordination.db');
    const store = await openSqliteCoordination({ file, clock, writer: sharedWriterThread() });
    await store.putWork(
      Array.from({ length: 500 }, (_, n) => ({ kind: 'charge', id: `charge-${n}`, dueAt: n, data: {} })),
    );
    await store.close();
    const bytes = await readFile(file);
    bytes.fill(0, 3 * 4096, 4 * 4096);
    await writeFile(file, bytes);
    const opening = openSqliteCoordination({ file, clock, writer: sharedWriterThread() });
    await expect(opening).rejects.toThrow(DamagedStore);
    await expect(opening).rejects.toThrow(file);
  });

  it('has every acknowledged token and all unfinished work in its files when its process dies', async () => {
    const file = join(await aDirectory(), 'coordination.db');
    const copy = join(await aDirectory(), 'coordination.db');
    const store = await openSqliteCoordination({ file, clock, writer: sharedWriterThread() });
    const lease = await store.acquire('backend', 'ann', 1_000);
    await store.putWork([{ kind: 'charge', id: 'charge-1', dueAt: 1, data: {} }]);
    await copyAsAfterPowerFailure(file, copy);
    await store.close();
    const after = await openSqliteCoordination({ file: copy, clock, writer: sharedWriterThread() });
    expect(await after.listWork('charge')).toHaveLength(1);
    await after.releaseAll();
    expect((await after.acquire('backend', 'bob', 1_000))?.token).toBeGreaterThan(lease?.token ?? 0n);
    await after.close();
  });

  it('waits for the disk with tokens and unfinished work, and not with what may be lost', async () => {
    const file = join(await aDirectory(), 'coordination.db');
    const thread = sharedWriterThread();
    const slowDisk = { ...thread, open: (path: string) => thread.open(path, { simulateFsyncMs: 250 }) };
    const store = await openSqliteCoordination({ file, clock, writer: slowDisk });
    const waits = async (task: () => Promise<unknown>): Promise<boolean> => {
      const startedAt = performance.now();
      await task();
      return performance.now() - startedAt >= 250;
    };
    const lease = { resource: 'backend', holder: 'ann', token: 1n };
    expect(await waits(() => store.acquire('backend', 'ann', 1_000))).toBe(true);
    expect(await waits(() => store.putWork([{ kind: 'charge', id: 'charge-1', dueAt: 1, data: {} }]))).toBe(true);
    expect(await waits(() => store.renew(lease))).toBe(false);
    expect(await waits(() => store.beat('scoria-volume@host', 1, {}))).toBe(false);
    expect(await waits(() => store.saveFeedCheckpoint('operations', { position: 1n, eventId: 'e' }))).toBe(false);
    await store.close();
  });

  it('shares a thread with other stores, each closing for itself', async () => {
    const thread = startWriterThread();
    const directory = await aDirectory();
    const [one, other] = await Promise.all(
      ['one.db', 'other.db'].map((name) =>
        openSqliteCoordination({ file: join(directory, name), clock, writer: thread }),
      ),
    );
    await Promise.all([one?.beat('a', 1, {}), other?.beat('b', 1, {})]);
    await one?.close();
    await other?.beat('b', 2, {});
    expect((await other?.heartbeats())?.map(({ service, beat }) => [service, beat])).toEqual([['b', 2]]);
    await other?.close();
    await thread.close();
  });
});
