import { describe, expect, it } from 'vitest';
import { BYTES_PER_GIB } from '../../src/domain/kernel/units.ts';
import {
  type Abilities,
  type BackendUnderTest,
  context,
  foundVolume,
  listed,
  type MakeBackend,
  mark,
  markOf,
  volumeNamed,
  withBackend,
} from './storage-driver-backend.ts';

const terminal = { name: 'DriverError', retryable: false };

export const secondPoolOf = (backend: BackendUnderTest): string => {
  const second = backend.pools[1];
  if (second === undefined) throw new Error('a driver that moves volumes is tested with two pools');
  return second;
};

/** Where volumes lie: pools, moving between them, types, and volumes that Scoria did not make. */
export function placementContract(makeBackend: MakeBackend, abilities: Abilities): void {
  describe('the report', () => {
    it('names the backend and has figures for every pool', () =>
      withBackend(makeBackend, async (backend) => {
        const stats = await backend.driver.stats();
        expect(stats.backendName).not.toBe('');
        expect(stats.storageProtocol).not.toBe('');
        expect(stats.pools.map(({ pool }) => pool)).toEqual(backend.pools);
        for (const {
          totalCapacityGiB: total,
          freeCapacityGiB: free,
          thinProvisioning,
          thickProvisioning,
        } of stats.pools) {
          expect(thinProvisioning || thickProvisioning).toBe(true);
          if (typeof total === 'number') expect(total).toBeGreaterThan(0);
          if (typeof free === 'number') expect(free).toBeGreaterThanOrEqual(0);
          if (typeof total === 'number' && typeof free === 'number') expect(free).toBeLessThanOrEqual(total);
        }
      }));
  });

  describe('types', () => {
    it('change where nothing on the backend has to', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        const { backendName } = await backend.driver.stats();
        const fits = (extraSpecs: Record<string, string>) => backend.driver.retypeVolume(volume, extraSpecs, context);
        expect(await fits({})).toBe(true);
        expect(await fits({ volume_backend_name: backendName })).toBe(true);
        expect(await fits({ volume_backend_name: `not-${backendName}` })).toBe(false);
      }));
  });

  describe('pools', () => {
    it('that the backend does not have are refused by name', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = { ...volumeNamed(backend, 'a'), pool: 'no-such-pool' };
        await expect(backend.driver.createVolume(volume, context)).rejects.toMatchObject({
          ...terminal,
          message: expect.stringContaining('no-such-pool'),
        });
      }));

    it.runIf(abilities.moves)('exchange volumes with their content, there and back', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a', 2);
        const moved = { ...volume, pool: secondPoolOf(backend) };
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        const there = await backend.driver.migrateVolume(volume, moved.pool, context);
        expect(there).toMatchObject({ backendName: volume.name });
        expect(await backend.driver.migrateVolume(volume, moved.pool, context)).toEqual(there);
        expect(await listed(backend.driver)).toEqual([foundVolume(moved)]);
        expect(await markOf(backend, moved)).toBe('first');
        await backend.driver.migrateVolume(moved, volume.pool, context);
        expect(await listed(backend.driver)).toEqual([foundVolume(volume)]);
        expect(await markOf(backend, volume)).toBe('first');
        expect(await backend.unfinished()).toEqual([]);
      }),
    );

    it.runIf(abilities.moves)('keep a volume that is moved to where it is', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        await backend.driver.migrateVolume(volume, volume.pool, context);
        expect(await listed(backend.driver)).toEqual([foundVolume(volume)]);
        expect(await markOf(backend, volume)).toBe('first');
      }),
    );

    it.runIf(abilities.moves)('do not overwrite another volume of that name', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        const other = { ...volume, pool: secondPoolOf(backend) };
        for (const made of [volume, other]) await backend.driver.createVolume(made, context);
        await mark(backend, volume, 'first');
        await mark(backend, other, 'other');
        await expect(backend.driver.migrateVolume(volume, other.pool, context)).rejects.toMatchObject(terminal);
        expect(await markOf(backend, volume)).toBe('first');
        expect(await markOf(backend, other)).toBe('other');
      }),
    );
  });

  describe.runIf(abilities.manages)('volumes that Scoria did not make', () => {
    const FOREIGN = 'somebody-elses';

    const withForeign = (sizeBytes: number, test: (backend: BackendUnderTest) => Promise<void>) =>
      withBackend(makeBackend, async (backend) => {
        if (backend.putForeign === undefined)
          throw new Error('a driver that manages volumes is tested with putForeign');
        await backend.putForeign(backend.pools[0], FOREIGN, sizeBytes);
        await test(backend);
      });

    it('are listed, measured in whole GiB, and taken under a new name with their content', () =>
      withForeign(1.5 * BYTES_PER_GIB, async (backend) => {
        const pool = backend.pools[0];
        const foreign = { id: 'f', name: FOREIGN, sizeGiB: 2, pool };
        expect((await listed(backend.driver)).map(({ name }) => name)).toEqual([FOREIGN]);
        expect(await backend.driver.manageVolumeSize(FOREIGN, pool)).toBe(2);
        await mark(backend, foreign, 'first');
        const volume = volumeNamed(backend, 'a', 2);
        const managed = await backend.driver.manageVolume(volume, FOREIGN, context);
        expect(managed).toMatchObject({ backendName: volume.name });
        expect(await backend.driver.manageVolume(volume, FOREIGN, context)).toEqual(managed);
        expect(await listed(backend.driver)).toEqual([foundVolume(volume)]);
        expect(await markOf(backend, volume)).toBe('first');
        expect(await backend.unfinished()).toEqual([]);
      }));

    it('may keep their name', () =>
      withForeign(1.5 * BYTES_PER_GIB, async (backend) => {
        const volume = { ...volumeNamed(backend, 'a', 2), name: FOREIGN };
        await backend.driver.manageVolume(volume, FOREIGN, context);
        expect(await listed(backend.driver)).toEqual([foundVolume(volume)]);
      }));

    it('are not taken where they are larger than said, or not there', () =>
      withForeign(3 * BYTES_PER_GIB, async (backend) => {
        const volume = volumeNamed(backend, 'a', 2);
        await expect(backend.driver.manageVolume(volume, FOREIGN, context)).rejects.toMatchObject(terminal);
        await expect(backend.driver.manageVolume(volume, 'nobodys', context)).rejects.toMatchObject(terminal);
        await expect(backend.driver.manageVolumeSize('nobodys', volume.pool)).rejects.toMatchObject(terminal);
        expect((await listed(backend.driver)).map(({ name }) => name)).toEqual([FOREIGN]);
        expect(await backend.unfinished()).toEqual([]);
      }));

    it('stay on the backend when they are given up', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        await backend.driver.unmanageVolume(volume, context);
        await backend.driver.unmanageVolume(volume, context);
        expect(await markOf(backend, volume)).toBe('first');
      }));
  });
}
