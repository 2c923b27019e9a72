import { afterEach, describe, expect, it } from 'vitest';
import { UnreadableEvent } from '../../src/domain/kernel/event.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { allProjections } from '../../src/projections/all.ts';
import { decodeRecorded } from '../../src/projections/catalogue.ts';
import type { RebuildProgress } from '../../src/projections/rebuild.ts';
import { append } from './recorded.ts';
import { createWorld, requestOf, statusOf, stopRunners, updateOf, type World } from './world.ts';

afterEach(stopRunners);

async function withVolumes(world: World, count: number): Promise<bigint> {
  let position = 0n;
  for (let at = 0; at < count; at += 1) position = await append(world.eventStore, `volume-v${at}`, requestOf(`v${at}`));
  return position;
}

const namesOf = (world: World) => [...world.readStore.documents('volumes').keys()];

describe('rebuilding a read model', () => {
  it('builds it beside the live one, switches, and drops the old one', async () => {
    const world = createWorld();
    const runner = await world.start();
    await runner.waitFor(await withVolumes(world, 30), 1_000);
    const [result] = await runner.rebuild(['volumes']);
    expect(result).toEqual({
      name: 'volumes',
      version: 1_001,
      events: 30,
      outcome: 'switched',
      comparison: { counts: { live: 30, rebuilt: 30 }, sampled: 30, differing: [] },
      reason: null,
    });
    expect(await world.readStore.versions('volumes')).toEqual([{ version: 1_001, live: true }]);
    expect(namesOf(world)).toHaveLength(30);
  });

  it('mends documents that are wrong, and says which', async () => {
    const world = createWorld();
    const runner = await world.start();
    await runner.waitFor(await withVolumes(world, 3), 1_000);
    world.readStore.tamper('volumes', { id: 'v1', name: 'tampered' });
    world.readStore.tamper('volumes', { id: 'ghost' });
    const [result] = await runner.rebuild(['volumes']);
    expect(result?.comparison).toMatchObject({ counts: { live: 4, rebuilt: 3 } });
    expect(result?.comparison?.differing).toEqual(expect.arrayContaining(['v1', 'ghost']));
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ name: 'data' });
    expect(await world.readStore.get('volumes', 'ghost')).toBeNull();
    expect(world.log).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'rebuilt collection differs from the live one' }),
    );
  });

  it('loses nothing of what is appended meanwhile', async () => {
    const world = createWorld();
    const runner = await world.start({ rebuildBatchSize: 7 });
    await withVolumes(world, 50);
    let position = 0n;
    let writing = true;
    const writer = (async () => {
      for (let at = 50; writing; at += 1) {
        position = await append(world.eventStore, `volume-v${at}`, requestOf(`v${at}`));
        await append(world.eventStore, `volume-v${at % 50}`, updateOf(`v${at % 50}`, `name-${at}`));
      }
    })();
    for (let round = 0; round < 5; round += 1) {
      const [result] = await runner.rebuild(['volumes']);
      expect(result).toMatchObject({ outcome: 'switched', comparison: { differing: [] } });
    }
    writing = false;
    await writer;
    const end = (await world.eventStore.head()) ?? position;
    expect(await runner.waitFor(end, 2_000)).toBe(true);
    const requested = world.eventStore.events.filter(({ type }) => type === 'VolumeCreationRequested');
    expect(namesOf(world)).toHaveLength(requested.length);
    const last = world.eventStore.events.findLast(({ type }) => type === 'VolumeUpdated')?.data as {
      volumeId: string;
      name: string;
    };
    expect(await world.readStore.get('volumes', last.volumeId)).toMatchObject({ name: last.name });
  });

  it('rebuilds several with one reading of the log', async () => {
    const world = createWorld();
    const runner = await world.start();
    await runner.waitFor(await withVolumes(world, 10), 1_000);
    const names = allProjections.map(({ collection }) => collection.name);
    const results = await runner.rebuild(names);
    expect(results.map(({ name, outcome, events }) => [name, outcome, events])).toEqual(
      names.map((name) => [name, 'switched', 10]),
    );
    expect(await runner.waitFor(await append(world.eventStore, 'volume-v1', updateOf('v1', 'renamed')), 1_000)).toBe(
      true,
    );
  });

  it('tells how far it is', async () => {
    const world = createWorld();
    const runner = await world.start({ rebuildBatchSize: 4 });
    await runner.waitFor(await withVolumes(world, 10), 1_000);
    const seen: RebuildProgress[] = [];
    const onProgress = (progress: RebuildProgress): void => {
      seen.push(progress);
      expect(statusOf(runner, 'volumes').rebuild).toEqual(progress);
    };
    await runner.rebuild(['volumes'], { onProgress });
    expect(seen.map(({ events, position, target }) => [events, position, target])).toEqual([
      [4, 3n, 9n],
      [8, 7n, 9n],
      [10, 9n, 9n],
    ]);
    expect(statusOf(runner, 'volumes').rebuild).toBeNull();
  });

  it('goes on where an interrupted rebuild was', async () => {
    const world = createWorld();
    const runner = await world.start({ rebuildBatchSize: 4 });
    await runner.waitFor(await withVolumes(world, 10), 1_000);
    const interrupt = new AbortController();
    const onProgress = () => interrupt.abort(new Error('interrupted'));
    await expect(runner.rebuild(['volumes'], { signal: interrupt.signal, onProgress })).rejects.toThrow('interrupted');
    expect(await world.readStore.versions('volumes')).toHaveLength(2);
    const [result] = await runner.rebuild(['volumes']);
    expect(result).toMatchObject({ version: 1_001, events: 6, outcome: 'switched', comparison: { differing: [] } });
    expect(namesOf(world)).toHaveLength(10);
  });

  it('only compares where that is asked for', async () => {
    const world = createWorld();
    const runner = await world.start();
    await runner.waitFor(await withVolumes(world, 3), 1_000);
    world.readStore.tamper('volumes', { id: 'v1', name: 'tampered' });
    const [result] = await runner.rebuild(['volumes'], { verifyOnly: true });
    expect(result).toMatchObject({ outcome: 'verified', comparison: { differing: ['v1'] } });
    expect(await world.readStore.versions('volumes')).toEqual([{ version: 1_000, live: true }]);
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ name: 'tampered' });
  });

  it('builds the state of a time beside the live one', async () => {
    const world = createWorld();
    const runner = await world.start();
    await runner.waitFor(await withVolumes(world, 3), 1_000);
    const asOfLog: EventStore = { ...world.eventStore, positionAt: async () => 1n };
    const then = await world.start({ eventStore: asOfLog });
    const [result] = await then.rebuild(['volumes'], { asOf: 12_345 });
    expect(result).toMatchObject({ outcome: 'built', version: 1_001, events: 2 });
    expect([...world.readStore.documents('volumes', 1_001).keys()]).toEqual(['v0', 'v1']);
    expect(namesOf(world)).toEqual(['v0', 'v1', 'v2']);
  });

  it('does not switch to a version that cannot be built to the end', async () => {
    const world = createWorld();
    const readable = await world.start();
    await readable.waitFor(await withVolumes(world, 3), 1_000);
    await readable.stop();
    const runner = await world.start({
      decode: (event) => {
        if (event.position === 1n) throw new UnreadableEvent(event.type, 9, 'this build reads up to version 1');
        return decodeRecorded(event);
      },
    });
    const [result] = await runner.rebuild(['volumes']);
    expect(result).toMatchObject({ outcome: 'stopped', reason: expect.stringContaining('reads up to version 1') });
    expect(namesOf(world)).toEqual(['v0', 'v1', 'v2']);
    expect(await world.readStore.versions('volumes')).toContainEqual({ version: 1_000, live: true });
  });

  it('switches nothing where another process has become the writer', async () => {
    const world = createWorld();
    const runner = await world.start({ isWriter: () => false });
    await runner.waitFor(await withVolumes(world, 3), 1_000);
    await expect(runner.rebuild(['volumes'])).rejects.toThrow('another process writes the read models now');
    expect(await world.readStore.versions('volumes')).toContainEqual({ version: 1_000, live: true });
  });

  it('is not done twice at once, nor for a read model that does not exist', async () => {
    const world = createWorld();
    const runner = await world.start();
    await runner.waitFor(await withVolumes(world, 3), 1_000);
    const running = runner.rebuild(['volumes']);
    await expect(runner.rebuild(['volumes'])).rejects.toThrow('is being rebuilt already');
    await running;
    await expect(runner.rebuild(['nothing'])).rejects.toThrow('no read model named nothing');
  });
});
