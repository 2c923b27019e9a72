import { describe, expect, it } from 'vitest';
import { BYTES_PER_GIB } from '../../src/domain/kernel/units.ts';
import {
  type Abilities,
  bytesOf,
  collect,
  context,
  foundSnapshot,
  foundVolume,
  inOrder,
  listed,
  type MakeBackend,
  MIDDLE,
  mark,
  markOf,
  snapshotOf,
  streamOf,
  volumeNamed,
  withBackend,
} from './storage-driver-backend.ts';

/** Every call is made twice: the second answers and leaves the same. */
async function twice<T>(call: () => Promise<T>): Promise<T> {
  const first = await call();
  expect(await call()).toEqual(first);
  return first;
}

const terminal = { name: 'DriverError', retryable: false, fenced: false };

/** What every call does when nothing goes wrong, made once or twice. */
export function callsContract(makeBackend: MakeBackend, abilities: Abilities): void {
  describe('volumes', () => {
    it('are made empty, exactly as large as asked for, and deleted', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a', 2);
        expect(await twice(() => backend.driver.createVolume(volume, context))).toMatchObject({
          backendName: volume.name,
        });
        expect(await listed(backend.driver)).toEqual([foundVolume(volume)]);
        expect(await markOf(backend, volume)).toBe('.....');
        await twice(() => backend.driver.deleteVolume(volume, context));
        expect(await listed(backend.driver)).toEqual([]);
        expect(await backend.unfinished()).toEqual([]);
      }));

    it('that are not there are deleted without complaint', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.deleteVolume(volume, context);
        await backend.driver.deleteSnapshot(snapshotOf(volume, 's'), context);
      }));

    it('are cloned with their content, independent of the source, larger where asked for', () =>
      withBackend(makeBackend, async (backend) => {
        const source = volumeNamed(backend, 'a');
        await backend.driver.createVolume(source, context);
        await mark(backend, source, 'first');
        const same = volumeNamed(backend, 'same');
        const larger = volumeNamed(backend, 'larger', 3);
        await backend.driver.createClonedVolume(same, source, context);
        await backend.driver.createClonedVolume(larger, source, context);
        await mark(backend, source, 'later');
        // Run again, as after a crash: what is complete stays as it is.
        await backend.driver.createClonedVolume(same, source, context);
        expect(await markOf(backend, same)).toBe('first');
        expect(await markOf(backend, larger)).toBe('first');
        expect(await markOf(backend, larger, 3 * BYTES_PER_GIB - 5)).toBe('.....');
        expect(await listed(backend.driver)).toEqual(inOrder([source, same, larger].map(foundVolume)));
      }));

    it('without content are cloned empty', () =>
      withBackend(makeBackend, async (backend) => {
        const source = volumeNamed(backend, 'a');
        const clone = volumeNamed(backend, 'b', 2);
        await backend.driver.createVolume(source, context);
        await twice(() => backend.driver.createClonedVolume(clone, source, context));
        expect(await listed(backend.driver)).toEqual([foundVolume(source), foundVolume(clone)]);
        expect(await markOf(backend, clone)).toBe('.....');
      }));

    it('grow with their content, and never shrink', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        const grown = { ...volume, sizeGiB: 3 };
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        await twice(() => backend.driver.extendVolume(volume, 3, context));
        expect(await listed(backend.driver)).toEqual([foundVolume(grown)]);
        expect(await markOf(backend, grown)).toBe('first');
        await expect(backend.driver.extendVolume(grown, 2, context)).rejects.toMatchObject(terminal);
        expect(await listed(backend.driver)).toEqual([foundVolume(grown)]);
      }));

    it('grow also where an extension that was stopped had grown them already', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        await backend.driver.extendVolume(volume, 3, context);
        await twice(() => backend.driver.extendVolume(volume, 2, context));
        await backend.driver.extendVolume({ ...volume, sizeGiB: 2 }, 4, context);
        expect(await listed(backend.driver)).toEqual([foundVolume({ ...volume, sizeGiB: 4 })]);
      }));
  });

  describe('snapshots', () => {
    it('keep the content of their time and make volumes, larger where asked for', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        const snapshot = snapshotOf(volume, 's');
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        expect(await twice(() => backend.driver.createSnapshot(snapshot, context))).toMatchObject({
          backendName: snapshot.name,
        });
        await mark(backend, volume, 'later');
        const same = volumeNamed(backend, 'same');
        const larger = volumeNamed(backend, 'larger', 2);
        await twice(() => backend.driver.createVolumeFromSnapshot(same, snapshot, context));
        await twice(() => backend.driver.createVolumeFromSnapshot(larger, snapshot, context));
        expect(await markOf(backend, same)).toBe('first');
        expect(await markOf(backend, larger)).toBe('first');
        expect(await markOf(backend, volume)).toBe('later');
        expect(await listed(backend.driver)).toEqual(
          inOrder([...[volume, same, larger].map(foundVolume), foundSnapshot(snapshot)]),
        );
        await twice(() => backend.driver.deleteSnapshot(snapshot, context));
        expect(await listed(backend.driver)).toEqual(inOrder([volume, same, larger].map(foundVolume)));
        expect(await backend.unfinished()).toEqual([]);
      }));

    it.runIf(abilities.reverts)('give a volume its content back', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        const snapshot = snapshotOf(volume, 's');
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        await backend.driver.createSnapshot(snapshot, context);
        await mark(backend, volume, 'later');
        await mark(backend, volume, 'other', 4_096);
        await twice(() => backend.driver.revertToSnapshot(volume, snapshot, context));
        expect(await markOf(backend, volume)).toBe('first');
        expect(await markOf(backend, volume, 4_096)).toBe('.....');
        // And again after both changed: the snapshot was not handed out.
        await mark(backend, volume, 'again');
        await backend.driver.revertToSnapshot(volume, snapshot, context);
        expect(await markOf(backend, volume)).toBe('first');
        expect(await listed(backend.driver)).toEqual(inOrder([foundVolume(volume), foundSnapshot(snapshot)]));
      }),
    );
  });

  describe('what is not there', () => {
    it('is a terminal error where something is to be made of it, and nothing is left', () =>
      withBackend(makeBackend, async (backend) => {
        const missing = volumeNamed(backend, 'missing');
        const snapshot = snapshotOf(missing, 's');
        const target = volumeNamed(backend, 'target');
        const { driver } = backend;
        const refused = async (call: Promise<unknown>, names: string) => {
          const error: unknown = await call.then(
            () => 'was done',
            (reason: unknown) => reason,
          );
          expect(error).toMatchObject(terminal);
          expect(error).toHaveProperty('message', expect.stringContaining(names));
        };
        await refused(driver.createClonedVolume(target, missing, context), missing.name);
        await refused(driver.createVolumeFromSnapshot(target, snapshot, context), snapshot.name);
        await refused(driver.createSnapshot(snapshot, context), missing.name);
        await refused(driver.extendVolume(missing, 2, context), missing.name);
        await refused(driver.ensureExport(missing, context), missing.name);
        await refused(driver.initializeConnection(missing, {}, context), missing.name);
        await refused(driver.copyImageToVolume(missing, streamOf(bytesOf('x')), context), missing.name);
        await refused(collect(driver.copyVolumeToImage(missing, context)), missing.name);
        if (abilities.reverts) await refused(driver.revertToSnapshot(missing, snapshot, context), missing.name);
        expect(await listed(driver)).toEqual([]);
        expect(await backend.unfinished()).toEqual([]);
      }));

    it('is refused where the new volume would be smaller than its source', () =>
      withBackend(makeBackend, async (backend) => {
        const source = volumeNamed(backend, 'a', 2);
        const snapshot = snapshotOf(source, 's');
        const small = volumeNamed(backend, 'small', 1);
        await backend.driver.createVolume(source, context);
        await backend.driver.createSnapshot(snapshot, context);
        await expect(backend.driver.createClonedVolume(small, source, context)).rejects.toMatchObject(terminal);
        await expect(backend.driver.createVolumeFromSnapshot(small, snapshot, context)).rejects.toMatchObject(terminal);
        expect(await listed(backend.driver)).toEqual(inOrder([foundVolume(source), foundSnapshot(snapshot)]));
      }));
  });

  describe('connections', () => {
    it('are made and ended, each as often as anybody likes', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        const connector = { host: 'client', ip: '127.0.0.1', initiator: 'iqn.1993-08.org.debian:01:client' };
        await backend.driver.createVolume(volume, context);
        await twice(() => backend.driver.createExport(volume, context));
        await twice(() => backend.driver.ensureExport(volume, context));
        const connection = await twice(() => backend.driver.initializeConnection(volume, connector, context));
        expect(connection.driver_volume_type).toMatch(/^[a-z_]+$/);
        expect(Object.keys(connection.data)).not.toEqual([]);
        await twice(() => backend.driver.attachVolume(volume, null, 'client', '/dev/vdb'));
        await twice(() => backend.driver.detachVolume(volume, 'attachment'));
        await twice(() => backend.driver.terminateConnection(volume, connector, context));
        await twice(() => backend.driver.terminateConnection(volume, null, context));
        await twice(() => backend.driver.removeExport(volume, context));
        await backend.driver.deleteVolume(volume, context);
        // The volume was deleted by force meanwhile: there is nothing left to end.
        await backend.driver.terminateConnection(volume, connector, context);
        await backend.driver.removeExport(volume, context);
      }));
  });

  describe('images and backups', () => {
    it('are written over a volume, whatever the pieces, and the rest reads as zeros', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        const zeros = new Uint8Array(70_000);
        const image = () => streamOf(bytesOf('head!'), zeros, bytesOf('tail!'));
        await twice(() => backend.driver.copyImageToVolume(volume, image(), context));
        expect(await markOf(backend, volume, 0)).toBe('head!');
        expect(await markOf(backend, volume, 70_005)).toBe('tail!');
        expect(await markOf(backend, volume, 70_000)).toBe('.....');
        expect(await markOf(backend, volume)).toBe('.....');
        await twice(() => backend.driver.restoreBackup(volume, streamOf(zeros, bytesOf('saved')), context));
        expect(await markOf(backend, volume, 70_000)).toBe('saved');
        expect(await markOf(backend, volume, 0)).toBe('.....');
        expect(await listed(backend.driver)).toEqual([foundVolume(volume)]);
        expect(await backend.unfinished()).toEqual([]);
      }));

    it('larger than the volume are refused and leave it as it was', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        const piece = new Uint8Array(64 * 1024 * 1024);
        const tooLong = () => streamOf(...Array.from({ length: 16 }, () => piece), bytesOf('x'));
        await expect(backend.driver.copyImageToVolume(volume, tooLong(), context)).rejects.toMatchObject(terminal);
        await expect(backend.driver.restoreBackup(volume, tooLong(), context)).rejects.toMatchObject(terminal);
        expect(await markOf(backend, volume)).toBe('first');
        expect(await backend.unfinished()).toEqual([]);
      }));

    it('are streams of the whole device', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        await mark(backend, volume, 'start', 0);
        let length = 0;
        let found = '';
        for await (const piece of backend.driver.backupVolume(volume, context)) {
          if (length <= MIDDLE && MIDDLE < length + piece.length) {
            found = new TextDecoder().decode(piece.subarray(MIDDLE - length, MIDDLE - length + 5));
          }
          length += piece.length;
        }
        expect({ length, found }).toEqual({ length: BYTES_PER_GIB, found: 'first' });
        // Whoever has enough of a stream may leave it.
        for await (const piece of backend.driver.copyVolumeToImage(volume, context)) {
          expect(new TextDecoder().decode(piece.subarray(0, 5))).toBe('start');
          break;
        }
      }));
  });
}
