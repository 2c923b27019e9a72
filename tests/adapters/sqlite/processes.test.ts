import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DataDirectoryLocked, lockDataDirectory } from '../../../src/adapters/sqlite/data-directory-lock.ts';
import { verifyEventStore } from '../../../src/adapters/sqlite/event-store-check.ts';
import { openSqliteReadStore } from '../../../src/adapters/sqlite/read-store.ts';
import { StoreUnavailable } from '../../../src/ports/event-store.ts';
import { anEvent, collect } from '../../contracts/event-store-fixtures.ts';
import { type OtherProcess, startProcess } from './other-process.ts';
import { fill, readLog, temporaryDirectories, withEventStore } from './store-files.ts';

const aDirectory = temporaryDirectories();

function aProcess(...args: readonly string[]): OtherProcess {
  const other = startProcess(...args);
  onTestFinished(() => other.kill());
  return other;
}

const refusalOf = (directory: string): unknown => {
  try {
    lockDataDirectory(directory).release();
    return null;
  } catch (error) {
    return error;
  }
};

describe('the lock of a data directory', () => {
  it('refuses a second server, naming the directory and the process that holds it', async () => {
    const directory = await aDirectory();
    const holder = aProcess('lock', directory);
    await holder.line(/locked/);
    const refusal = refusalOf(directory);
    expect(refusal).toBeInstanceOf(DataDirectoryLocked);
    expect(refusal).toMatchObject({ directory, holder: holder.pid });
    expect(String(refusal)).toContain(`data directory ${directory} is in use by process ${holder.pid}`);
  });

  it('goes with its holder, also after kill -9', async () => {
    const directory = await aDirectory();
    const holder = aProcess('lock', directory);
    await holder.line(/locked/);
    await holder.kill();
    expect(refusalOf(directory)).toBeNull();
  });

  it('refuses a second server in the same process too, until the first lets go', async () => {
    const directory = await aDirectory();
    const lock = lockDataDirectory(directory);
    expect(refusalOf(directory)).toBeInstanceOf(DataDirectoryLocked);
    lock.release();
    expect(refusalOf(directory)).toBeNull();
  });

  it('is another for another directory', async () => {
    const lock = lockDataDirectory(await aDirectory());
    expect(refusalOf(await aDirectory())).toBeNull();
    lock.release();
  });

  it('of a directory that cannot be written is an error of its own', async () => {
    expect(refusalOf(join(await aDirectory(), 'not', 'there'))).toBeInstanceOf(StoreUnavailable);
  });
});

describe('a process that reads beside a running writer', () => {
  it('sees everything that is appended meanwhile, without holding the writer up', async () => {
    const file = join(await aDirectory(), 'events.db');
    await withEventStore({ file }, async (store) => {
      await fill(store, 100);
      const reader = aProcess('read', file, '1000');
      await reader.line(/caught up 100/);
      for (let n = 0; n < 900; n += 1) await store.append(`more-${n}`, 'no-stream', [anEvent({ n })]);
      await reader.line(/done 1000/);
    });
  });

  it('cannot write', async () => {
    const directory = await aDirectory();
    const file = join(directory, 'events.db');
    const readModels = join(directory, 'read.db');
    await withEventStore({ file }, (store) => fill(store, 1));
    const writing = await openSqliteReadStore({ file: readModels });
    await writing.ensure({ name: 'volumes', version: 1, indexes: [] });
    const notDone = { name: 'StoreUnavailable', outcome: 'not-done' };
    await withEventStore({ file, readOnly: true }, (store) =>
      expect(store.append('volume-x', 'no-stream', [anEvent()])).rejects.toMatchObject(notDone),
    );
    const reading = await openSqliteReadStore({ file: readModels, readOnly: true });
    const to = { position: 1n, eventId: 'e' };
    await expect(
      reading.write({ projection: 'volumes', version: 1, from: null, to, changes: [] }),
    ).rejects.toMatchObject(notDone);
    expect(await reading.count('volumes')).toBe(0);
    await reading.close();
    await writing.close();
  });

  it('is told where there is no store to read', async () => {
    const file = join(await aDirectory(), 'events.db');
    await expect(withEventStore({ file, readOnly: true }, () => Promise.resolve())).rejects.toThrow(/no event store/);
  });
});

describe('a writer that is killed with -9 while it appends', () => {
  it('leaves every acknowledged event, and a sound log', async () => {
    const file = join(await aDirectory(), 'events.db');
    for (let round = 1; round <= 3; round += 1) {
      const path = `${file}-${round}`;
      const writer = aProcess('append', path);
      while (writer.lines.length < 300 * round)
        await writer.line(/./).then(() => new Promise((resolve) => setTimeout(resolve, 5)));
      await writer.kill();
      const acknowledged = [...writer.lines].filter((line) => line.length === 36);
      const stored = new Set((await readLog({ file: path })).map((event) => event.id));
      expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
      expect((await verifyEventStore(path)).damages).toEqual([]);
      await withEventStore({ file: path }, async (store) => {
        await store.append('after', 'no-stream', [anEvent()]);
        expect(await collect(store.readStream('after'))).toHaveLength(1);
      });
    }
  });
});
