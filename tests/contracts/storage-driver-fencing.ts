import { describe, expect, it } from 'vitest';
import type { CallContext, StorageDriver } from '../../src/drivers/storage/driver.ts';
import {
  type Abilities,
  type BackendUnderTest,
  bytesOf,
  collect,
  context,
  foundVolume,
  inOrder,
  listed,
  type MakeBackend,
  mark,
  markOf,
  snapshotOf,
  streamOf,
  TOKEN,
  volumeNamed,
  withBackend,
  withToken,
} from './storage-driver-backend.ts';
import { expectOnlyComplete, scenariosFor } from './storage-driver-scenarios.ts';

const fencedOut = { name: 'DriverError', fenced: true };

/** Calls that read or connect, which a stale worker must not make either. */
const looks = (
  driver: StorageDriver,
  backend: BackendUnderTest,
  at: CallContext,
): readonly (() => Promise<unknown>)[] => {
  const volume = volumeNamed(backend, 'source');
  return [
    () => driver.createExport(volume, at),
    () => driver.ensureExport(volume, at),
    () => driver.removeExport(volume, at),
    () => driver.initializeConnection(volume, {}, at),
    () => driver.terminateConnection(volume, null, at),
    () => driver.retypeVolume(volume, {}, at),
    () => driver.unmanageVolume(volume, at),
    () => collect(driver.copyVolumeToImage(volume, at)),
    () => collect(driver.backupVolume(volume, at)),
  ];
};

/** A stream that gives `piece` and then waits to be told to go on. */
function heldStream(piece: Uint8Array) {
  const started = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield piece;
    started.resolve();
    await goOn.promise;
    yield piece;
  }
  return { stream: stream(), started: started.promise, goOn: () => goOn.resolve() };
}

/** Only the newest owner changes the backend; for drivers with `canFence`. */
export function fencingContract(makeBackend: MakeBackend, abilities: Abilities): void {
  describe('take-over', () => {
    it.each(scenariosFor(abilities))('makes $name fail for an older token', (scenario) =>
      withBackend(makeBackend, async (backend) => {
        await scenario.prepare(backend);
        const before = await listed(backend.driver);
        await backend.another().takeOver(withToken(TOKEN + 1n));
        await expect(scenario.call(backend.driver, context, backend)).rejects.toMatchObject(fencedOut);
        expect(await listed(backend.driver)).toEqual(before);
        expect(await backend.unfinished()).toEqual([]);
      }),
    );

    it('makes reading and connecting fail for an older token', () =>
      withBackend(makeBackend, async (backend) => {
        await backend.driver.createVolume(volumeNamed(backend, 'source'), context);
        await backend.another().takeOver(withToken(TOKEN + 1n));
        for (const look of looks(backend.driver, backend, context))
          await expect(look()).rejects.toMatchObject(fencedOut);
      }));

    it('is needed before the first call of a token', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await expect(backend.driver.createVolume(volume, withToken(TOKEN + 1n))).rejects.toMatchObject(fencedOut);
        await expect(backend.driver.createVolume(volume, withToken(TOKEN - 1n))).rejects.toMatchObject(fencedOut);
        expect(await listed(backend.driver)).toEqual([]);
      }));

    it('makes what is done already fail for an older token, which cannot say that it still is', () =>
      withBackend(makeBackend, async (backend) => {
        const [there, gone] = [volumeNamed(backend, 'there'), volumeNamed(backend, 'gone')];
        await backend.driver.createVolume(there, context);
        await backend.another().takeOver(withToken(TOKEN + 1n));
        await expect(backend.driver.createVolume(there, context)).rejects.toMatchObject(fencedOut);
        await expect(backend.driver.deleteVolume(gone, context)).rejects.toMatchObject(fencedOut);
      }));

    it('by an older token fails and disturbs nobody', () =>
      withBackend(makeBackend, async (backend) => {
        await expect(backend.another().takeOver(withToken(TOKEN - 1n))).rejects.toMatchObject(fencedOut);
        await backend.driver.createVolume(volumeNamed(backend, 'a'), context);
        expect(await backend.unfinished()).toEqual([]);
      }));

    it('twice by one token keeps what that token has in hand', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        const held = heldStream(bytesOf('image'));
        const writing = backend.driver.copyImageToVolume(volume, held.stream, context);
        await held.started;
        await backend.driver.takeOver(context);
        held.goOn();
        await writing;
        expect(await markOf(backend, volume, 0)).toBe('image');
      }));

    it('stops what an older owner has in hand, and cleans up after it', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        const held = heldStream(bytesOf('image'));
        const writing = backend.driver.copyImageToVolume(volume, held.stream, context);
        await held.started;
        const successor = backend.another();
        const newer = withToken(TOKEN + 1n);
        await successor.takeOver(newer);
        expect(await backend.unfinished()).toEqual([]);
        held.goOn();
        await expect(writing).rejects.toMatchObject(fencedOut);
        expect(await markOf(backend, volume)).toBe('first');
        expect(await markOf(backend, volume, 0)).toBe('.....');
        await successor.copyImageToVolume(volume, streamOf(bytesOf('newer')), newer);
        expect(await markOf(backend, volume, 0)).toBe('newer');
        expect(await backend.unfinished()).toEqual([]);
      }));

    it('by many at the same time leaves exactly the newest in charge', () =>
      withBackend(makeBackend, async (backend) => {
        const rivals = Array.from({ length: 8 }, (_, index) => ({
          driver: backend.another(),
          at: withToken(TOKEN + 1n + BigInt(index)),
        }));
        const newest = rivals.at(-1);
        await Promise.allSettled(rivals.map(({ driver, at }) => driver.takeOver(at)));
        const results = await Promise.allSettled(
          rivals.map(({ driver, at }) => driver.createVolume(volumeNamed(backend, String(at.fencingToken)), at)),
        );
        expect(results.flatMap(({ status }, index) => (status === 'fulfilled' ? [rivals[index]] : []))).toEqual([
          newest,
        ]);
        expect(await listed(backend.driver)).toHaveLength(1);
        expect(await backend.unfinished()).toEqual([]);
      }));
  });
}

/** A call whose signal aborts ends soon, with the signal's reason, and leaves nothing half done. */
export function abortContract(makeBackend: MakeBackend, abilities: Abilities): void {
  const reason = new Error('the deadline passed');

  describe('abort', () => {
    it.each(scenariosFor(abilities))('before $name starts changes nothing', (scenario) =>
      withBackend(makeBackend, async (backend) => {
        await scenario.prepare(backend);
        const before = await listed(backend.driver);
        await expect(scenario.call(backend.driver, withToken(TOKEN, AbortSignal.abort(reason)), backend)).rejects.toBe(
          reason,
        );
        expect(await listed(backend.driver)).toEqual(before);
        expect(await backend.unfinished()).toEqual([]);
      }),
    );

    it.each(scenariosFor(abilities))('while $name runs leaves it done or not done', (scenario) =>
      withBackend(makeBackend, async (backend) => {
        await scenario.prepare(backend);
        const before = await listed(backend.driver);
        const after = inOrder(scenario.objectsAfter(backend));
        const controller = new AbortController();
        const call = scenario.call(backend.driver, withToken(TOKEN, controller.signal), backend);
        setTimeout(() => controller.abort(reason), 1);
        const outcome = await call.then(
          () => 'done',
          (error: unknown) => error,
        );
        expect(await backend.unfinished()).toEqual([]);
        if (outcome === 'done') expect(await listed(backend.driver)).toEqual(after);
        else {
          expect(outcome).toBe(reason);
          expectOnlyComplete(await listed(backend.driver), before, scenario, backend);
        }
        await scenario.call(backend.driver, context, backend);
        expect(await listed(backend.driver)).toEqual(after);
        await scenario.checkContent(backend, context);
      }),
    );

    it('ends a copy whose source says nothing any more', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        await mark(backend, volume, 'first');
        const held = heldStream(bytesOf('image'));
        const controller = new AbortController();
        const writing = backend.driver.copyImageToVolume(volume, held.stream, withToken(TOKEN, controller.signal));
        await held.started;
        controller.abort(reason);
        await expect(writing).rejects.toBe(reason);
        expect(await markOf(backend, volume)).toBe('first');
        expect(await listed(backend.driver)).toEqual([foundVolume(volume)]);
        expect(await backend.unfinished()).toEqual([]);
      }));

    it('ends a stream of a device', () =>
      withBackend(makeBackend, async (backend) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        const controller = new AbortController();
        const read = async () => {
          for await (const piece of backend.driver.backupVolume(volume, withToken(TOKEN, controller.signal))) {
            expect(piece.length).toBeGreaterThan(0);
            controller.abort(reason);
          }
        };
        await expect(read()).rejects.toBe(reason);
        await backend.driver.createSnapshot(snapshotOf(volume, 's'), context);
      }));
  });
}
