import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allProjections } from '../../src/projections/all.ts';
import { createRemoteReadModels, WRITER_GONE_MS } from '../../src/projections/remote-read-models.ts';
import { createMemoryEventStore, type MemoryEventStore } from '../commands/memory-event-store.ts';
import { createTestClock, type TestClock } from '../sagas/test-clock.ts';
import { createMemoryReadStore, type MemoryReadStore } from './memory-read-store.ts';
import { createKeepingProcess, createSharedCoordination, type KeepingProcess } from './processes.ts';
import { append } from './recorded.ts';
import { requestOf } from './world.ts';

/** Longer than a lease that nobody renews can hold up a successor. */
const TAKE_OVER_MS = 20_000;

let clock: TestClock;
let eventStore: MemoryEventStore;
let readStore: MemoryReadStore;
let shared: ReturnType<typeof createSharedCoordination>;
let processes: KeepingProcess[];

beforeEach(() => {
  clock = createTestClock();
  eventStore = createMemoryEventStore(() => clock.now());
  readStore = createMemoryReadStore();
  shared = createSharedCoordination(clock);
  processes = [];
});

afterEach(async () => {
  for (const one of processes) one.goOn();
  let stopped = false;
  void Promise.all(processes.map(({ keeper }) => keeper.stop())).then(() => {
    stopped = true;
  });
  await clock.until(() => stopped);
});

const process = (name: string): KeepingProcess => {
  const one = createKeepingProcess(name, { eventStore, readStore, coordination: shared.coordination }, clock);
  processes.push(one);
  return one;
};
const started = async (name: string): Promise<KeepingProcess> => {
  const one = process(name);
  await settled(one.keeper.start());
  return one;
};
/** Runs the clock until it has come. */
async function settled<T>(work: Promise<T>): Promise<T> {
  let done = false;
  const watched = work.finally(() => {
    done = true;
  });
  watched.catch(() => undefined);
  await clock.until(() => done);
  return watched;
}
const remote = () => {
  return createRemoteReadModels({
    coordination: shared.coordination,
    clock,
    names: allProjections.map(({ collection }) => collection.name),
    newId: () => crypto.randomUUID(),
  });
};
const create = (volumeId: string) => append(eventStore, `volume-${volumeId}`, requestOf(volumeId));
const isShown = (volumeId: string): boolean => readStore.documents('volumes').has(volumeId);
const keeps = ({ keeper }: KeepingProcess): boolean => keeper.current() !== null;
const stoppedIn = (models: readonly { readonly stopped: string | null }[]) => models.filter((one) => one.stopped);
const alarms = ({ log }: KeepingProcess) => log.filter(({ level }) => level === 'error');

describe('of two processes that may keep the read models', () => {
  it('one does, and the other stands by', async () => {
    const [first, second] = [await started('a'), await started('b')];
    await create('v1');
    await clock.until(() => isShown('v1'));
    await clock.pass(60_000);
    expect([keeps(first), keeps(second)]).toEqual([true, false]);
  });

  it('the other goes on where the first dies without a word', async () => {
    const [first, second] = [await started('a'), await started('b')];
    await create('v1');
    await clock.until(() => isShown('v1'));
    first.pause();
    await create('v2');
    await clock.until(() => keeps(second), TAKE_OVER_MS);
    await clock.until(() => isShown('v2'));
  });

  it('the other goes on at once where the first is told to stop', async () => {
    const [first, second] = [await started('a'), await started('b')];
    await settled(first.keeper.stop());
    await clock.until(() => keeps(second), 2_000);
  });

  it.each(['in the middle of a write', 'between two'])(
    'the first loses where it was paused %s, and goes on after the other began',
    async (where) => {
      const [first, second] = [await started('a'), await started('b')];
      await create('v1');
      await clock.until(() => isShown('v1'));
      if (where === 'between two') first.pause();
      else first.pauseBefore('write');
      await create('v2');
      await clock.until(() => keeps(second), TAKE_OVER_MS);
      await create('v3');
      await clock.until(() => isShown('v3'));
      first.goOn();
      await clock.until(() => !keeps(first), 5_000);
      await create('v4');
      await clock.until(() => isShown('v4'));
      await clock.pass(30_000);
      expect([keeps(first), keeps(second)]).toEqual([false, true]);
      expect([...readStore.documents('volumes').keys()].toSorted()).toEqual(['v1', 'v2', 'v3', 'v4']);
      expect(alarms(first)).toEqual([]);
      expect(stoppedIn((await remote().status()).models)).toEqual([]);
    },
  );

  it('the first switches no read model where it was paused in a rebuild, and goes on after the other began', async () => {
    const [first, second] = [await started('a'), await started('b')];
    await create('v1');
    await clock.until(() => isShown('v1'));
    first.pauseBefore('count');
    await remote().rebuild({ names: ['volumes'] });
    await clock.until(() => keeps(second), TAKE_OVER_MS);
    await clock.until(() => shared.work.size === 0, 10_000);
    const live = await readStore.versions('volumes');
    first.goOn();
    await clock.pass(30_000);
    expect(await readStore.versions('volumes')).toEqual(live);
    expect([keeps(first), keeps(second)]).toEqual([false, true]);
    expect(isShown('v1')).toBe(true);
  });

  it('one that finds another at its checkpoint begins anew, and leaves nothing stopped behind', async () => {
    const first = await started('a');
    await create('v1');
    await clock.until(() => isShown('v1'));
    const { id, position } = eventStore.events[0] as (typeof eventStore.events)[number];
    await create('v2');
    readStore.moveCheckpoint('volumes', { position: position - 1n, eventId: id });
    await clock.until(() => !keeps(first) || isShown('v2'), 5_000);
    await clock.until(() => keeps(first), 5_000);
    expect(alarms(first).map(({ message }) => message)).not.toContain('projection stopped');
    await create('v3');
    await clock.until(() => isShown('v3') && isShown('v2'), 30_000);
    expect(stoppedIn(first.keeper.current()?.current() ?? [])).toEqual([]);
  });

  it('one that follows a version which is not live any more begins anew with the one that is', async () => {
    const first = await started('a');
    await create('v1');
    await clock.until(() => isShown('v1'));
    const version = first.keeper.current()?.current()[0]?.version ?? 0;
    await readStore.ensure({ name: 'volumes', version: version + 1, indexes: [] });
    await readStore.switchTo('volumes', version + 1);
    await clock.pass(15_000);
    await clock.until(() => isShown('v1'), 5_000);
    expect(first.keeper.current()?.current()[0]).toMatchObject({ version: version + 1, stopped: null });
  });
});

describe('read models that another process keeps', () => {
  it('are waited for by what their writer tells', async () => {
    await started('a');
    const models = remote();
    const position = await create('v1');
    expect(await settled(models.waitFor(position, 2_000))).toBe(true);
    expect(isShown('v1')).toBe(true);
  });

  it('are not waited for longer than is asked, and nothing is asked for while nobody waits', async () => {
    const models = remote();
    const beganMs = clock.monotonicMs();
    expect(await settled(models.waitFor(1n, 2_000))).toBe(false);
    expect(clock.monotonicMs() - beganMs).toBe(2_000);
    await clock.pass(100);
    const { feedCheckpoint } = shared.calls;
    await clock.pass(10_000);
    expect(shared.calls.feedCheckpoint).toBe(feedCheckpoint);
  });

  it('are looked for once, however many wait', async () => {
    const models = remote();
    await settled(Promise.all(Array.from({ length: 50 }, (_, at) => models.waitFor(BigInt(at + 1), 100))));
    expect(shared.calls.feedCheckpoint).toBeLessThan(25);
  });

  it('show how far they are, and that nobody keeps them once their writer is gone, whatever the wall clock does', async () => {
    const first = await started('a');
    const models = remote();
    const position = await create('v1');
    await clock.until(() => isShown('v1'));
    await clock.pass(3_000);
    const { kept, models: shown } = await models.status();
    expect(kept).toBe(true);
    expect(shown[0]).toMatchObject({ name: 'volumes', position, lag: 0, stopped: null, rebuild: null });
    clock.shiftWall(3_600_000);
    expect((await models.status()).kept).toBe(true);
    first.pause();
    await clock.pass(WRITER_GONE_MS + 1_000);
    const after = await models.status();
    expect(after.kept).toBe(false);
    expect(after.models[0]).toMatchObject({ position, stopped: 'no process keeps the read models' });
    first.goOn();
    await clock.until(() => !keeps(first) || clock.monotonicMs() > 0);
    await clock.pass(5_000);
    expect((await models.status()).kept).toBe(true);
  });

  it('show one that stops within half a second, and whose writer was another host before', async () => {
    const [first, second] = [await started('a'), await started('b')];
    await settled(first.keeper.stop());
    await clock.until(() => keeps(second), 2_000);
    await clock.pass(500);
    expect((await shared.coordination.heartbeats()).map(({ service }) => service)).toEqual(['scoria-projections@b']);
    const odd = { type: 'VolumeEvolved', data: {} } as unknown as Parameters<typeof append>[2];
    await append(eventStore, 'volume-v1', odd);
    await clock.pass(500);
    const stopped = stoppedIn((await remote().status()).models);
    expect(stopped.length).toBeGreaterThan(0);
    expect(stopped[0]?.stopped).toContain('VolumeEvolved');
  });

  it('are of nobody before anybody kept them', async () => {
    const { kept, models } = await remote().status();
    expect(kept).toBe(false);
    expect(models.map(({ name }) => name)).toEqual(allProjections.map(({ collection }) => collection.name));
  });

  it('are rebuilt by their writer, and the request is seen until it is done', async () => {
    await started('a');
    await create('v1');
    await clock.until(() => isShown('v1'));
    const models = remote();
    await models.rebuild({ names: ['volumes'] });
    const of = async (name: string) => (await models.status()).models.find((one) => one.name === name);
    expect(await of('volumes')).toMatchObject({ rebuild: { names: ['volumes'] }, lastRebuild: null });
    expect(await of('snapshots')).toMatchObject({ rebuild: null });
    await clock.until(() => shared.work.size === 0, 10_000);
    const after = await of('volumes');
    expect(after).toMatchObject({ rebuild: null, lastRebuild: { failure: null, result: { outcome: 'switched' } } });
    expect(after?.version).toBe(after?.lastRebuild?.result?.version);
    expect(isShown('v1')).toBe(true);
  });

  it('are rebuilt by the successor of a writer that died with the request', async () => {
    const [first, second] = [await started('a'), await started('b')];
    first.pause();
    await remote().rebuild({ names: ['volumes'], verifyOnly: true });
    await clock.until(() => keeps(second), TAKE_OVER_MS);
    await clock.until(() => shared.work.size === 0, 10_000);
    expect(second.keeper.current()?.current()[0]?.lastRebuild?.result?.outcome).toBe('verified');
  });

  it('have requests dropped that cannot be done, and told why', async () => {
    await started('a');
    await remote().rebuild({ names: ['nosuch'] });
    await shared.coordination.putWork([{ kind: 'rebuild', id: 'odd', dueAt: 0, data: { all: true } }]);
    await clock.until(() => shared.work.size === 0, 10_000);
    expect(processes[0]?.log.some(({ message }) => message === 'rebuilding read models failed')).toBe(true);
  });
});
