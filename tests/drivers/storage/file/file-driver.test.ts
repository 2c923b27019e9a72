import { stat, statfs, symlink, truncate, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BYTES_PER_GIB } from '../../../../src/domain/kernel/units.ts';
import { type FileDriverConfigInput, fileDriverConfigSchema } from '../../../../src/drivers/storage/file/config.ts';
import { createFileDriver } from '../../../../src/drivers/storage/file/file-driver.ts';
import { context, listed, snapshotOf, volumeNamed } from '../../../contracts/storage-driver-backend.ts';
import { type FileBackend, onDisk } from './file-backend.ts';

const terminal = { name: 'DriverError', retryable: false, fenced: false };

const withFiles = (
  test: (backend: FileBackend) => Promise<void>,
  change?: (config: FileDriverConfigInput) => FileDriverConfigInput,
): Promise<void> => onDisk({}, test, change);

describe('the configuration of a file backend', () => {
  const valid = { directory: '/volumes', backendName: 'files', pools: [{ name: 'fast' }] };

  it('has defaults as the original', () => {
    expect(fileDriverConfigSchema.parse(valid)).toMatchObject({
      pools: [{ reservedPercentage: 0, maxOverSubscriptionRatio: 20, thinProvisioning: true, multiattach: false }],
    });
  });

  it.each<[string, object, string]>([
    ['an unknown key', { ...valid, direktory: '/x' }, 'direktory'],
    ['an unknown key of a pool', { ...valid, pools: [{ name: 'fast', capacityGB: 1 }] }, 'capacityGB'],
    ['a missing directory', { backendName: 'files', pools: valid.pools }, 'directory'],
    ['no pool', { ...valid, pools: [] }, 'pools'],
    ['two pools of one name', { ...valid, pools: [{ name: 'fast' }, { name: 'fast' }] }, 'pools'],
    ['a pool name that is a path', { ...valid, pools: [{ name: '../fast' }] }, 'pools[0].name'],
    [
      'a ratio below one',
      { ...valid, pools: [{ name: 'fast', maxOverSubscriptionRatio: 0.5 }] },
      'maxOverSubscriptionRatio',
    ],
    ['a percentage above 100', { ...valid, pools: [{ name: 'fast', reservedPercentage: 101 }] }, 'reservedPercentage'],
    ['a capacity of nothing', { ...valid, pools: [{ name: 'fast', capacityGiB: 0 }] }, 'capacityGiB'],
  ])('is refused by key for %s', (_what, config, key) => {
    expect(() => createFileDriver(config as FileDriverConfigInput)).toThrow(key);
  });
});

describe('setting up', () => {
  it('says which directory cannot be used', () =>
    withFiles(async ({ directory }) => {
      const file = join(directory, 'a-file');
      await writeFile(file, '');
      const driver = createFileDriver({ directory: file, backendName: 'files', pools: [{ name: 'fast' }] });
      await expect(driver.setUp()).rejects.toMatchObject({
        name: 'DriverError',
        message: expect.stringContaining(join(file, 'fast')),
      });
    }));

  it('keeps what is there', () =>
    withFiles(async (backend) => {
      await backend.driver.createVolume(volumeNamed(backend, 'a'), context);
      await backend.driver.setUp();
      expect(await listed(backend.driver)).toHaveLength(1);
    }));
});

describe('names', () => {
  it.each(['', '.', '..', '../volume', 'a/b', '/etc/passwd', 'a\\b', 'a\0b', 'a\nb', '.hidden', 'x'.repeat(201)])(
    'that could lead elsewhere are refused: %j',
    (name) =>
      withFiles(async (backend) => {
        const { driver } = backend;
        const good = volumeNamed(backend, 'good');
        const bad = { ...good, name };
        await driver.createVolume(good, context);
        const outside = join(backend.directory, 'fast', 'volume');
        await writeFile(outside, 'keep me');
        for (const call of [
          () => driver.createVolume(bad, context),
          () => driver.deleteVolume(bad, context),
          () => driver.extendVolume(bad, 2, context),
          () => driver.createClonedVolume(bad, good, context),
          () => driver.createClonedVolume(volumeNamed(backend, 'x'), bad, context),
          () => driver.createSnapshot({ ...snapshotOf(good, 's'), name }, context),
          () => driver.createSnapshot({ ...snapshotOf(good, 's'), volumeName: name }, context),
          () => driver.initializeConnection(bad, {}, context),
          () => driver.manageVolume(volumeNamed(backend, 'x'), name, context),
          () => driver.manageVolumeSize(name, 'fast'),
        ]) {
          await expect(call()).rejects.toMatchObject(terminal);
        }
        expect(await listed(driver)).toHaveLength(1);
        expect((await stat(outside)).size).toBe('keep me'.length);
      }),
  );

  it('that are symbolic links are neither listed nor followed', () =>
    withFiles(async (backend) => {
      const secret = join(backend.directory, 'secret');
      await writeFile(secret, '');
      await truncate(secret, BYTES_PER_GIB);
      const link = volumeNamed(backend, 'link');
      await symlink(secret, backend.pathOf(link));
      expect(await listed(backend.driver)).toEqual([]);
      await expect(backend.driver.manageVolume(volumeNamed(backend, 'x'), link.name, context)).rejects.toMatchObject(
        terminal,
      );
      await expect(backend.driver.createSnapshot(snapshotOf(link, 's'), context)).rejects.toMatchObject(terminal);
      await expect(backend.driver.initializeConnection(link, {}, context)).rejects.toMatchObject(terminal);
    }));

  it('taken by a file of another size are not taken over', () =>
    withFiles(async (backend) => {
      const volume = volumeNamed(backend, 'a');
      await writeFile(backend.pathOf(volume), 'somebody else');
      await expect(backend.driver.createVolume(volume, context)).rejects.toMatchObject(terminal);
      expect((await stat(backend.pathOf(volume))).size).toBe('somebody else'.length);
    }));
});

describe('volume files', () => {
  it('are sparse, exactly as long as asked for, and private', () =>
    withFiles(async (backend) => {
      const volume = volumeNamed(backend, 'a', 100);
      await backend.driver.createVolume(volume, context);
      const file = await stat(backend.pathOf(volume));
      expect({ size: file.size, blocks: file.blocks, mode: file.mode & 0o777 }).toEqual({
        size: 100 * BYTES_PER_GIB,
        blocks: 0,
        mode: 0o600,
      });
    }));

  it('that are shorter than recorded are not copied: they were damaged', () =>
    withFiles(async (backend) => {
      const volume = volumeNamed(backend, 'a', 2);
      await backend.driver.createVolume(volume, context);
      await truncate(backend.pathOf(volume), BYTES_PER_GIB);
      await expect(backend.driver.createSnapshot(snapshotOf(volume, 's'), context)).rejects.toMatchObject({
        ...terminal,
        message: expect.stringContaining('damaged'),
      });
    }));

  it('are connected to by their absolute path, as os-brick’s local connector wants it', () =>
    withFiles(
      async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        expect(isAbsolute(backend.config.directory)).toBe(false);
        expect(await backend.driver.initializeConnection(volume, { host: 'here' }, context)).toEqual({
          driver_volume_type: 'local',
          data: { device_path: backend.pathOf(volume), access_mode: 'rw' },
        });
      },
      (config) => ({ ...config, directory: relative('.', config.directory) }),
    ));
});

describe('capacity', () => {
  const poolOf = async (backend: FileBackend, name: string) => {
    const found = (await backend.driver.stats()).pools.find(({ pool }) => pool === name);
    if (found === undefined) throw new Error(`no figures for pool ${name}`);
    return found;
  };

  it('is the file system’s where the configuration says none', () =>
    withFiles(async (backend) => {
      const disk = await statfs(backend.directory);
      const { totalCapacityGiB, freeCapacityGiB } = await poolOf(backend, 'fast');
      expect(totalCapacityGiB).toBeCloseTo((disk.blocks * disk.bsize) / BYTES_PER_GIB, 6);
      // Others write to the same disk meanwhile.
      expect(Math.abs(Number(freeCapacityGiB) - (disk.bavail * disk.bsize) / BYTES_PER_GIB)).toBeLessThan(2);
    }));

  it('of a thin pool goes down by what is written, of a thick one by what is promised', () =>
    withFiles(
      async (backend) => {
        const thin = volumeNamed(backend, 'thin', 2);
        const thick = { ...volumeNamed(backend, 'thick', 2), pool: 'slow' };
        for (const volume of [thin, thick]) {
          await backend.driver.createVolume(volume, context);
          await backend.writeAt(volume, BYTES_PER_GIB, new Uint8Array(1024 * 1024).fill(7));
        }
        await backend.driver.createSnapshot(snapshotOf(thick, 's'), context);
        const fast = await poolOf(backend, 'fast');
        expect(fast).toMatchObject({ totalCapacityGiB: 10, thinProvisioning: true, thickProvisioning: false });
        expect(Number(fast.freeCapacityGiB)).toBeLessThanOrEqual(10 - 1 / 1024);
        expect(Number(fast.freeCapacityGiB)).toBeGreaterThan(10 - 1 / 512);
        const slow = await poolOf(backend, 'slow');
        expect(slow).toMatchObject({ freeCapacityGiB: 6, thinProvisioning: false, thickProvisioning: true });
      },
      (config) => ({
        ...config,
        pools: [
          { name: 'fast', capacityGiB: 10 },
          { name: 'slow', capacityGiB: 10, thinProvisioning: false },
        ],
      }),
    ));

  it('is never reported free beyond what the disk has, nor below nothing', () =>
    withFiles(
      async (backend) => {
        const disk = await statfs(backend.directory);
        const fast = await poolOf(backend, 'fast');
        expect(fast.totalCapacityGiB).toBe(1_000_000);
        expect(Number(fast.freeCapacityGiB)).toBeLessThan((disk.blocks * disk.bsize) / BYTES_PER_GIB);
        await backend.driver.createVolume({ ...volumeNamed(backend, 'a', 3), pool: 'slow' }, context);
        expect((await poolOf(backend, 'slow')).freeCapacityGiB).toBe(0);
      },
      (config) => ({
        ...config,
        pools: [
          { name: 'fast', capacityGiB: 1_000_000 },
          { name: 'slow', capacityGiB: 1, thinProvisioning: false },
        ],
      }),
    ));
});
