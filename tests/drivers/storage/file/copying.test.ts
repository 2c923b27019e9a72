import { execFileSync } from 'node:child_process';
import { link, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FileEffects, nodeFileEffects } from '../../../../src/drivers/storage/file/effects.ts';
import {
  bytesOf,
  context,
  listed,
  mark,
  markOf,
  snapshotOf,
  streamOf,
  TOKEN,
  volumeNamed,
  withToken,
} from '../../../contracts/storage-driver-backend.ts';
import { type FileBackend, onDisk } from './file-backend.ts';

const MIB = 1024 * 1024;

const errno = (code: string) => Object.assign(new Error(`${code}: said the disk`), { code });

/** A volume with 1 MiB of data in its middle. */
async function sourceOn(backend: FileBackend, sizeGiB: number) {
  const source = volumeNamed(backend, 'source', sizeGiB);
  await backend.driver.createVolume(source, context);
  await backend.writeAt(source, 600 * MIB, new Uint8Array(MIB).fill(7));
  return source;
}

const noReflink = { reflink: () => Promise.reject(errno('ENOTSUP')) };
const noCommand = { copyByCommand: () => Promise.resolve(false) };

describe('copying keeps holes', () => {
  const expectSmallCopy = async (backend: FileBackend, sizeGiB: number) => {
    const source = await sourceOn(backend, sizeGiB);
    const clone = volumeNamed(backend, 'clone', sizeGiB);
    await backend.driver.createClonedVolume(clone, source, context);
    const { size, blocks } = await stat(backend.pathOf(clone));
    expect(size).toBe(sizeGiB * 1024 * MIB);
    expect(blocks * 512).toBeGreaterThanOrEqual(MIB);
    expect(blocks * 512).toBeLessThan(2 * MIB);
    expect(await backend.readAt(clone, 601 * MIB - 1, 2)).toEqual(Uint8Array.of(7, 0));
    expect(await backend.readAt(clone, 600 * MIB - 1, 2)).toEqual(Uint8Array.of(0, 7));
  };

  it('in whatever way this host copies', () => onDisk({}, (backend) => expectSmallCopy(backend, 2)));

  it('by coreutils’ cp where blocks cannot be shared', () =>
    onDisk(noReflink, (backend) => expectSmallCopy(backend, 2)));

  it('by itself where there is no such cp', () =>
    onDisk({ ...noReflink, ...noCommand }, (backend) => expectSmallCopy(backend, 1)));

  it('in images and backups, too', () =>
    onDisk({}, async (backend) => {
      const volume = volumeNamed(backend, 'a');
      await backend.driver.createVolume(volume, context);
      const zeros = new Uint8Array(64 * MIB);
      await backend.driver.copyImageToVolume(volume, streamOf(bytesOf('x'), zeros, bytesOf('y')), context);
      const { blocks } = await stat(backend.pathOf(volume));
      expect(blocks * 512).toBeLessThan(MIB);
    }));
});

describe('the way of copying', () => {
  it('is none at all for a source without blocks', () => {
    const never = () => Promise.reject(new Error('nothing is to be copied'));
    return onDisk({ reflink: never, copyByCommand: never }, async (backend) => {
      const source = volumeNamed(backend, 'a', 50);
      await backend.driver.createVolume(source, context);
      await backend.driver.createSnapshot(snapshotOf(source, 's'), context);
      await backend.driver.createVolumeFromSnapshot(volumeNamed(backend, 'b', 60), snapshotOf(source, 's'), context);
      expect(await listed(backend.driver)).toHaveLength(3);
    });
  });

  it('is shared blocks where the file system can', () =>
    onDisk(
      {
        // Stands for a file system that shares blocks: one file under two names shares them all.
        reflink: (from, to) => link(from, to),
        copyByCommand: () => Promise.reject(new Error('not needed')),
      },
      async (backend) => {
        const source = await sourceOn(backend, 1);
        await backend.driver.createSnapshot(snapshotOf(source, 's'), context);
        expect(await listed(backend.driver)).toHaveLength(2);
      },
    ));

  it('is tried once where the file system cannot share blocks', () => {
    let asked = 0;
    const reflink = () => {
      asked += 1;
      return Promise.reject(errno('ENOTSUP'));
    };
    return onDisk({ reflink }, async (backend) => {
      const source = await sourceOn(backend, 1);
      for (const id of ['b', 'c', 'd'])
        await backend.driver.createClonedVolume(volumeNamed(backend, id), source, context);
      expect(asked).toBe(1);
    });
  });

  it('is shared among at most so many at a time, and who waits can leave', () => {
    const release = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const copyByCommand: FileEffects['copyByCommand'] = async (from, to, signal) => {
      running += 1;
      most = Math.max(most, running);
      if (running === 2) started.resolve();
      await release.promise;
      const copied = await nodeFileEffects.copyByCommand(from, to, signal);
      running -= 1;
      return copied;
    };
    return onDisk(
      { ...noReflink, copyByCommand },
      async (backend) => {
        const source = volumeNamed(backend, 'source');
        await backend.driver.createVolume(source, context);
        await mark(backend, source, 'first', 0);
        const controller = new AbortController();
        const clones = ['b', 'c'].map((id) => volumeNamed(backend, id));
        const running = clones.map((clone) => backend.driver.createClonedVolume(clone, source, context));
        await started.promise;
        const waiting = backend.driver.createClonedVolume(
          volumeNamed(backend, 'd'),
          source,
          withToken(TOKEN, controller.signal),
        );
        const reason = new Error('the deadline passed');
        setTimeout(() => controller.abort(reason), 20);
        await expect(waiting).rejects.toBe(reason);
        const last = backend.driver.createClonedVolume(volumeNamed(backend, 'e'), source, context);
        release.resolve();
        await Promise.all([...running, last]);
        expect(most).toBe(2);
        expect(await listed(backend.driver)).toHaveLength(4);
        expect(await backend.unfinished()).toEqual([]);
      },
      (config) => ({ ...config, maxConcurrentCopies: 2 }),
    );
  });
});

describe('a copy that cannot be finished', () => {
  it.each(['ENOSPC', 'EDQUOT'])('for want of space (%s) can be retried and leaves nothing', (code) =>
    onDisk({ ...noReflink, copyByCommand: () => Promise.reject(errno(code)) }, async (backend) => {
      const source = await sourceOn(backend, 1);
      await expect(backend.driver.createClonedVolume(volumeNamed(backend, 'b'), source, context)).rejects.toMatchObject(
        {
          name: 'DriverError',
          retryable: true,
          message: expect.stringContaining('no space left'),
        },
      );
      expect(await listed(backend.driver)).toHaveLength(1);
      expect(await backend.unfinished()).toEqual([]);
    }),
  );

  it('is told apart by what cp says', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'scoria-cp-'));
    try {
      const source = join(directory, 'source');
      const file = await nodeFileEffects.openFile(source, 'wx');
      await file.write(new Uint8Array(MIB).fill(7), 0, MIB, 0);
      await file.close();
      const { signal } = new AbortController();
      await expect(nodeFileEffects.copyByCommand(source, '/dev/full', signal)).rejects.toMatchObject({
        code: 'ENOSPC',
      });
      await expect(nodeFileEffects.copyByCommand(join(directory, 'no'), source, signal)).rejects.toMatchObject({
        code: 'EIO',
        message: expect.stringContaining('No such file'),
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('because the signal aborts ends cp', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'scoria-cp-'));
    try {
      // Nobody ever writes to it, so that cp waits for ever.
      const source = join(directory, 'pipe');
      execFileSync('mkfifo', [source]);
      const controller = new AbortController();
      const reason = new Error('the deadline passed');
      const copying = nodeFileEffects.copyByCommand(source, join(directory, 'copy'), controller.signal);
      setTimeout(() => controller.abort(reason), 100);
      await expect(copying).rejects.toBe(reason);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('because the signal aborts leaves nothing, when the driver copies by itself', () => {
    const controller = new AbortController();
    const reason = new Error('the deadline passed');
    const openFile: FileEffects['openFile'] = async (path, flags) => {
      const file = await nodeFileEffects.openFile(path, flags);
      const write: typeof file.write = (...args) => {
        controller.abort(reason);
        return file.write(...args);
      };
      return { write, truncate: (n) => file.truncate(n), sync: () => file.sync(), close: () => file.close() };
    };
    return onDisk({ ...noReflink, ...noCommand, openFile }, async (backend) => {
      const source = volumeNamed(backend, 'source');
      await backend.driver.createVolume(source, context);
      await mark(backend, source, 'first', 0);
      const clone = backend.driver.createClonedVolume(
        volumeNamed(backend, 'b'),
        source,
        withToken(TOKEN, controller.signal),
      );
      await expect(clone).rejects.toBe(reason);
      expect(await listed(backend.driver)).toHaveLength(1);
      expect(await backend.unfinished()).toEqual([]);
    });
  });

  it('because the pools are file systems of their own is left to those who copy', () =>
    onDisk({ link: () => Promise.reject(errno('EXDEV')) }, async (backend) => {
      const source = await sourceOn(backend, 1);
      await mark(backend, source, 'first');
      expect(await backend.driver.migrateVolume(source, 'slow', context)).toBeNull();
      expect(await listed(backend.driver)).toMatchObject([{ pool: 'fast' }]);
      expect(await markOf(backend, source)).toBe('first');
      expect(await backend.unfinished()).toEqual([]);
    }));
});
