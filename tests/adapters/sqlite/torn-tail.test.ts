import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyEventStore } from '../../../src/adapters/sqlite/event-store-check.ts';
import { anEvent } from '../../contracts/event-store-fixtures.ts';
import { copyAsAfterPowerFailure, fill, readLog, temporaryDirectories, withEventStore } from './store-files.ts';

const CUTS = 30;
const aDirectory = temporaryDirectories();

/** A log whose write-ahead log holds `acknowledged` events up to byte `soundBytes`, and more behind. */
async function aLogWithTail() {
  const file = join(await aDirectory(), 'events.db');
  const torn = join(await aDirectory(), 'events.db');
  return withEventStore({ file }, async (store) => {
    await fill(store, 40);
    const soundBytes = (await stat(`${file}-wal`)).size;
    for (let n = 40; n < 60; n += 1) await store.append(`tail-${n}`, 'no-stream', [anEvent({ n })]);
    await copyAsAfterPowerFailure(file, torn);
    const wal = await readFile(`${torn}-wal`);
    const database = await readFile(torn);
    const restore = async (): Promise<void> => {
      await rm(`${torn}-shm`, { force: true });
      await writeFile(torn, database);
      await writeFile(`${torn}-wal`, wal);
    };
    return { torn, restore, soundBytes, acknowledged: 40, all: 60, bytes: wal.length };
  });
}

/** The store starts, has a prefix of what was appended, and goes on from there. */
async function startsOnPrefix(file: string): Promise<number> {
  const log = await readLog({ file });
  expect(log.map((event) => event.data)).toEqual(log.map((_, n) => expect.objectContaining({ n })));
  await withEventStore({ file }, (store) => store.append('after-the-failure', 'no-stream', [anEvent()]));
  expect((await verifyEventStore(file)).damages).toEqual([]);
  return log.length;
}

describe('a write-ahead log that a power failure tore', () => {
  it('starts on what was complete, wherever it is cut behind the last commit that was on the disk', async () => {
    const { torn, restore, soundBytes, acknowledged, all, bytes } = await aLogWithTail();
    const lengths: number[] = [];
    for (let cut = 0; cut <= CUTS; cut += 1) {
      await restore();
      const offset = cut === CUTS ? bytes : soundBytes + Math.floor(((bytes - soundBytes) * cut) / CUTS) + (cut % 7);
      await truncate(`${torn}-wal`, offset);
      lengths.push(await startsOnPrefix(torn));
    }
    expect(lengths[0]).toBe(acknowledged);
    expect(lengths.at(-1)).toBe(all);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  });

  it('starts on what was complete where the tail is garbage', async () => {
    const { torn, restore, soundBytes, acknowledged, bytes } = await aLogWithTail();
    for (let n = 0; n < 15; n += 1) {
      await restore();
      const wal = await readFile(`${torn}-wal`);
      wal.fill(0xa5, soundBytes + Math.floor(((bytes - soundBytes) * n) / 15));
      await writeFile(`${torn}-wal`, wal);
      expect(await startsOnPrefix(torn)).toBeGreaterThanOrEqual(acknowledged);
    }
  });
});
