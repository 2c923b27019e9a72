import { link } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  type FileEffects,
  nodeFileEffects,
  sharedDirectorySync,
} from '../../../../src/drivers/storage/file/effects.ts';
import { createFileDriver } from '../../../../src/drivers/storage/file/file-driver.ts';
import {
  context,
  inOrder,
  listed,
  mark,
  markOf,
  TOKEN,
  volumeNamed,
  withToken,
} from '../../../contracts/storage-driver-backend.ts';
import { SCENARIOS } from '../../../contracts/storage-driver-scenarios.ts';
import { onDisk } from './file-backend.ts';

/** The real disk, and a record of what was done to it: `<effect> <parent>/<name>`. */
function recorded(record: string[]): FileEffects {
  const note = (effect: string, path: string) =>
    record.push(`${effect} ${basename(join(path, '..'))}/${basename(path)}`);
  return {
    ...nodeFileEffects,
    openFile: async (path, flags) => {
      const file = await nodeFileEffects.openFile(path, flags);
      return {
        write: (...args) => {
          note('write', path);
          return file.write(...args);
        },
        truncate: (lengthBytes) => {
          note('truncate', path);
          return file.truncate(lengthBytes);
        },
        sync: () => {
          note('sync', path);
          return file.sync();
        },
        close: () => file.close(),
      };
    },
    copyByCommand: (from, to, signal) => {
      note('write', to);
      return nodeFileEffects.copyByCommand(from, to, signal);
    },
    rename: (from, to) => {
      note('rename', to);
      if (/^(?:volume|snapshot)/.test(basename(from))) note('unname', from);
      return nodeFileEffects.rename(from, to);
    },
    syncDirectory: (path) => {
      note('sync', path);
      return nodeFileEffects.syncDirectory(path);
    },
  };
}

describe('what is done survives a power cut', () => {
  it('in the order: content and length, sync, name, sync of the directory', () => {
    const record: string[] = [];
    return onDisk(recorded(record), async (backend) => {
      record.length = 0;
      await backend.driver.createVolume(volumeNamed(backend, 'a'), context);
      expect(record).toEqual([
        `truncate ${TOKEN}/new.volume.volume-a`,
        `sync ${TOKEN}/new.volume.volume-a`,
        'rename volumes/volume-a',
        'sync fast/volumes',
      ]);
    });
  });

  it('also where an earlier run gave the name and died before that was safe', () => {
    const record: string[] = [];
    return onDisk(recorded(record), async (backend) => {
      const volume = volumeNamed(backend, 'a');
      await backend.driver.createVolume(volume, context);
      record.length = 0;
      await backend.driver.createVolume(volume, context);
      expect(record).toEqual(['sync fast/volumes']);
      const moved = { ...volume, pool: 'slow' };
      await link(backend.pathOf(volume), backend.pathOf(moved));
      record.length = 0;
      await backend.driver.migrateVolume(volume, moved.pool, context);
      expect(record).toEqual([
        'sync volumes/volume-a',
        'sync slow/volumes',
        `rename ${TOKEN}/removed.volume.volume-a`,
        'unname volumes/volume-a',
        'sync fast/volumes',
      ]);
    });
  });

  it.each(SCENARIOS)(
    '$name: every change is synced before the call answers, and before a name is given',
    (scenario) => {
      const record: string[] = [];
      return onDisk(recorded(record), async (backend) => {
        await scenario.prepare(backend);
        record.length = 0;
        await scenario.call(backend.driver, context, backend);
        expect(await listed(backend.driver)).toEqual(inOrder(scenario.objectsAfter(backend)));
        const lastIndexOf = (pattern: RegExp) => record.findLastIndex((line) => pattern.test(line));
        const changed = lastIndexOf(/^(?:write|truncate) /);
        const fileSynced = lastIndexOf(/^sync (?:\d+|volumes)\/(?:new|moved|volume)/);
        const named = lastIndexOf(/^rename (?:volumes|snapshots)\//);
        const unnamed = lastIndexOf(/^unname /);
        const directorySynced = lastIndexOf(/^sync (?:fast|slow)\//);
        expect(changed).toBeLessThanOrEqual(fileSynced);
        if (named >= 0) expect(fileSynced).toBeLessThan(named);
        expect(Math.max(named, unnamed)).toBeLessThanOrEqual(directorySynced);
        // The new name is safe before the old one goes.
        if (named >= 0 && unnamed >= 0)
          expect(record.slice(named, unnamed).join()).toMatch(/sync (?:fast|slow)\/volumes/);
      });
    },
  );
});

describe('what an earlier run left aside', () => {
  it('is never written to: it may be a second name of a volume', () =>
    onDisk({}, async (backend) => {
      const precious = volumeNamed(backend, 'precious');
      const fresh = volumeNamed(backend, 'fresh');
      const clone = volumeNamed(backend, 'clone');
      await backend.driver.createVolume(precious, context);
      await mark(backend, precious, 'first');
      for (const name of [`new.volume.${fresh.name}`, `new.volume.${clone.name}`]) {
        const aside = join(backend.directory, 'fast', 'work', String(TOKEN), name);
        await link(backend.pathOf(precious), aside);
      }
      await backend.driver.createVolume(fresh, context);
      await backend.driver.createClonedVolume(clone, precious, context);
      await mark(backend, clone, 'other');
      expect(await markOf(backend, fresh)).toBe('.....');
      expect(await markOf(backend, precious)).toBe('first');
      const managed = volumeNamed(backend, 'managed');
      await link(
        backend.pathOf(clone),
        join(backend.directory, 'fast', 'work', String(TOKEN), 'moved.volume.volume-managed'),
      );
      await backend.driver.manageVolume(managed, precious.name, context);
      expect(await markOf(backend, managed)).toBe('first');
      expect(await markOf(backend, clone)).toBe('other');
    }));
});

describe('the last moment before a name is given', () => {
  const reason = new Error('the deadline passed');

  /** A disk on which the deadline passes during the first sync of a file; `fails`: and the sync fails, too. */
  const lateDisk = (controller: AbortController, fails: boolean): Partial<FileEffects> => ({
    openFile: async (path, flags) => {
      const file = await nodeFileEffects.openFile(path, flags);
      return {
        write: (...args) => file.write(...args),
        truncate: (lengthBytes) => file.truncate(lengthBytes),
        sync: async () => {
          controller.abort(reason);
          if (fails) throw Object.assign(new Error('the disk is broken'), { code: 'EIO' });
        },
        close: () => file.close(),
      };
    },
  });

  it.each([false, true])('is still in time to abort (the disk breaks, too: %j)', (fails) => {
    const controller = new AbortController();
    return onDisk(lateDisk(controller, fails), async (backend) => {
      const call = backend.driver.createVolume(volumeNamed(backend, 'a'), withToken(TOKEN, controller.signal));
      await expect(call).rejects.toBe(reason);
      expect(await listed(backend.driver)).toEqual([]);
      expect(await backend.unfinished()).toEqual([]);
    });
  });
});

describe('a take-over that comes too late', () => {
  it('does not let its token work even for a moment', () =>
    onDisk({}, async (backend) => {
      const older = withToken(TOKEN - 1n);
      const outcomes: unknown[] = [];
      const driver = createFileDriver(backend.config, {
        ...nodeFileEffects,
        // It has left its mark on the disk by now, and has not taken it back yet.
        removeTree: async (path) => {
          outcomes.push(await driver.createVolume(volumeNamed(backend, 'a'), older).catch((error: unknown) => error));
          await nodeFileEffects.removeTree(path);
        },
      });
      await expect(driver.takeOver(older)).rejects.toMatchObject({ fenced: true });
      expect(outcomes).toMatchObject([{ name: 'DriverError', fenced: true }]);
      expect(await listed(backend.driver)).toEqual([]);
      expect(await backend.unfinished()).toEqual([]);
    }));
});

describe('syncs of one directory', () => {
  /** A slow disk that counts. */
  const slowSync = () => {
    const begun: string[] = [];
    let broken = false;
    const sync = sharedDirectorySync(async (path) => {
      begun.push(path);
      const fails = broken;
      await sleep(10);
      if (fails) throw new Error('the disk is broken');
    });
    return { begun, sync, breakDisk: (isBroken: boolean) => (broken = isBroken) };
  };

  it('are shared by those who wait, and by nobody who came after it began', async () => {
    const { begun, sync } = slowSync();
    const first = sync('/a');
    const waiting = Array.from({ length: 100 }, () => sync('/a'));
    await Promise.all([first, ...waiting]);
    expect(begun).toEqual(['/a', '/a']);
    await sync('/a');
    expect(begun).toHaveLength(3);
  });

  it('of different directories do not wait for each other', async () => {
    const { begun, sync } = slowSync();
    const both = [sync('/a'), sync('/b')];
    expect(begun).toEqual(['/a', '/b']);
    await Promise.all(both);
  });

  it('fail for all who shared one, and for no one else', async () => {
    const { sync, breakDisk } = slowSync();
    const good = sync('/a');
    breakDisk(true);
    const bad = [sync('/a'), sync('/a')];
    await good;
    expect(await Promise.allSettled(bad)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    breakDisk(false);
    await sync('/a');
  });
});
