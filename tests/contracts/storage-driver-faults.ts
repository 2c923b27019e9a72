import { describe, expect, it } from 'vitest';
import {
  type Abilities,
  type BackendUnderTest,
  bytesOf,
  context,
  type Fault,
  type FaultyDriver,
  inOrder,
  listed,
  type MakeBackend,
  streamOf,
  TOKEN,
  volumeNamed,
  withBackend,
  withToken,
} from './storage-driver-backend.ts';
import { expectOnlyComplete, type Scenario, scenariosFor } from './storage-driver-scenarios.ts';

/** More effects than any call has: a driver that never comes through is a driver that loops. */
const MOST_EFFECTS = 60;

const faultyOf = (backend: BackendUnderTest, atEffect: number, fault: Fault): FaultyDriver => {
  if (backend.faulty === undefined) throw new Error('a driver with `faults` is tested with a faulty one');
  return backend.faulty(atEffect, fault);
};

/** Runs `test` on a fresh backend for each effect of a call, until the call is through before it; says how many there were. */
async function atEveryEffect(
  makeBackend: MakeBackend,
  test: (backend: BackendUnderTest, atEffect: number) => Promise<boolean>,
): Promise<number> {
  for (let atEffect = 0; atEffect < MOST_EFFECTS; atEffect += 1) {
    let reached = false;
    await withBackend(makeBackend, async (backend) => {
      reached = await test(backend, atEffect);
    });
    if (!reached) return atEffect;
  }
  throw new Error(`the call has more than ${MOST_EFFECTS} external effects`);
}

/** Runs the call on a driver that goes wrong at one effect, on a prepared backend. */
async function breakAt(backend: BackendUnderTest, scenario: Scenario, atEffect: number, fault: Fault) {
  await scenario.prepare(backend);
  const before = await listed(backend.driver);
  const after = inOrder(scenario.objectsAfter(backend));
  const faulty = faultyOf(backend, atEffect, fault);
  const outcome = await scenario.call(faulty.driver, context, backend).then(
    () => 'done',
    (error: unknown) => error,
  );
  expectOnlyComplete(await listed(backend.driver), before, scenario, backend);
  return { before, after, faulty, outcome };
}

/** A driver whose process dies, or whose disk fails once, at any external effect of any call: another run sets it right. */
export function faultsContract(makeBackend: MakeBackend, abilities: Abilities): void {
  const newer = withToken(TOKEN + 1n);

  describe('death at any external effect', () => {
    it.each(scenariosFor(abilities))('of $name: the next owner runs it again', async (scenario) => {
      const effects = await atEveryEffect(makeBackend, async (backend, atEffect) => {
        const { before, after, faulty, outcome } = await breakAt(backend, scenario, atEffect, 'dies');
        if (faulty.reached()) expect(outcome).not.toBe('done');
        const successor = backend.another();
        await successor.takeOver(newer);
        expect(await backend.unfinished()).toEqual([]);
        expectOnlyComplete(await listed(successor), before, scenario, backend);
        await scenario.call(successor, newer, backend);
        expect(await listed(successor)).toEqual(after);
        expect(await backend.unfinished()).toEqual([]);
        await scenario.checkContent(backend, newer);
        return faulty.reached();
      });
      expect(effects).toBeGreaterThan(0);
    });

    it.each(scenariosFor(abilities).filter(({ undo }) => undo !== undefined))(
      'of $name: the next owner takes it back',
      async (scenario) => {
        await atEveryEffect(makeBackend, async (backend, atEffect) => {
          const { before, faulty } = await breakAt(backend, scenario, atEffect, 'dies');
          const successor = backend.another();
          await successor.takeOver(newer);
          await scenario.undo?.(successor, newer, backend);
          expect(await listed(successor)).toEqual(before);
          expect(await backend.unfinished()).toEqual([]);
          return faulty.reached();
        });
      },
    );

    it('of a take-over: the next take-over completes it', async () => {
      const effects = await atEveryEffect(makeBackend, async (backend, atEffect) => {
        const volume = volumeNamed(backend, 'a');
        await backend.driver.createVolume(volume, context);
        // Work of the older token lies about: an image that never got finished.
        const abandoned = faultyOf(backend, 2, 'dies').driver;
        await expect(abandoned.copyImageToVolume(volume, streamOf(bytesOf('image')), context)).rejects.toThrow();
        expect(await backend.unfinished()).not.toEqual([]);
        const faulty = faultyOf(backend, atEffect, 'dies');
        await faulty.driver.takeOver(newer).catch(() => undefined);
        const successor = backend.another();
        // By a restarted owner under the same token on even effects, by yet another owner on odd ones.
        const next = atEffect % 2 === 0 ? newer : withToken(TOKEN + 2n);
        await successor.takeOver(next);
        expect(await backend.unfinished()).toEqual([]);
        await expect(backend.driver.deleteVolume(volume, context)).rejects.toMatchObject({ fenced: true });
        await successor.deleteVolume(volume, next);
        expect(await listed(successor)).toEqual([]);
        return faulty.reached();
      });
      expect(effects).toBeGreaterThan(0);
    });
  });

  describe.runIf(abilities.fences)('a take-over before any external effect', () => {
    it.each(scenariosFor(abilities))(
      'of $name: nothing that the stale worker does after it shows',
      async (scenario) => {
        const effects = await atEveryEffect(makeBackend, async (backend, atEffect) => {
          await scenario.prepare(backend);
          const before = await listed(backend.driver);
          const successor = backend.another();
          let left = before;
          const stale = faultyOf(backend, atEffect, async () => {
            await successor.takeOver(newer);
            left = await listed(successor);
          });
          const outcome = await scenario.call(stale.driver, context, backend).then(
            () => 'done',
            (error: unknown) => error,
          );
          if (!stale.reached()) return false;
          const after = inOrder(scenario.objectsAfter(backend));
          const found = await listed(successor);
          if (scenario.mayEndLate === true) expectOnlyComplete(found, before, scenario, backend);
          else expect(found).toEqual(left);
          if (outcome === 'done') expect(found).toEqual(after);
          else expect(outcome).toMatchObject({ name: 'DriverError', fenced: true });
          expect(await backend.unfinished()).toEqual([]);
          await scenario.call(successor, newer, backend);
          expect(await listed(successor)).toEqual(after);
          await scenario.checkContent(backend, newer);
          return true;
        });
        expect(effects).toBeGreaterThan(0);
      },
    );
  });

  describe('a failure at any external effect', () => {
    it.each(scenariosFor(abilities))('of $name can be retried, and the same owner runs it again', async (scenario) => {
      const effects = await atEveryEffect(makeBackend, async (backend, atEffect) => {
        const { after, faulty, outcome } = await breakAt(backend, scenario, atEffect, 'fails');
        // A failure that costs nothing may be passed over; one that is told must be one worth retrying.
        if (outcome !== 'done') expect(outcome).toMatchObject({ name: 'DriverError', retryable: true, fenced: false });
        await scenario.call(backend.driver, context, backend);
        expect(await listed(backend.driver)).toEqual(after);
        expect(await backend.unfinished()).toEqual([]);
        await scenario.checkContent(backend, context);
        return faulty.reached();
      });
      expect(effects).toBeGreaterThan(0);
    });
  });
}
