import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UnreadableEvent } from '../../src/domain/kernel/event.ts';
import { deriveId } from '../../src/domain/kernel/ids.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { RecordedEvent } from '../../src/ports/event-store.ts';
import { allProjections } from '../../src/projections/all.ts';
import { decodeRecorded } from '../../src/projections/catalogue.ts';
import type { Projection } from '../../src/projections/projection.ts';
import type { ProjectionRunner } from '../../src/projections/runner.ts';
import { volumesProjection } from '../../src/projections/volumes.ts';
import { lifeOf, stepsArbitrary } from './random-volume.ts';
import { append } from './recorded.ts';
import { clock, createWorld, requestOf, statusOf, stopRunners, updateOf, volumesWith, type World } from './world.ts';

afterEach(stopRunners);

describe('following the log', () => {
  it('shows what was appended as soon as its position was waited for', async () => {
    const world = createWorld();
    const runner = await world.start();
    const position = await append(world.eventStore, 'volume-v1', requestOf('v1'));
    expect(await runner.waitFor(position, 1_000)).toBe(true);
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ id: 'v1', status: 'creating' });
  });

  it('answers at once for a position that is there already', async () => {
    const world = createWorld();
    const runner = await world.start();
    const position = await append(world.eventStore, 'volume-v1', requestOf('v1'));
    await runner.waitFor(position, 1_000);
    expect(await runner.waitFor(position, 0)).toBe(true);
  });

  it('gives up waiting for a position that does not come', async () => {
    const runner = await createWorld().start();
    expect(await runner.waitFor(7n, 10)).toBe(false);
  });

  it('takes what lies behind at the start', async () => {
    const world = createWorld();
    await append(world.eventStore, 'volume-v1', requestOf('v1'));
    const position = await append(world.eventStore, 'volume-v2', requestOf('v2'));
    const runner = await world.start();
    expect(await runner.waitFor(position, 1_000)).toBe(true);
    expect([...world.readStore.documents('volumes').keys()]).toEqual(['v1', 'v2']);
  });

  it('writes a document once per batch, however often it changed', async () => {
    const world = createWorld();
    const names = Array.from({ length: 50 }, (_, at) => updateOf('v1', `name-${at}`));
    const position = await append(world.eventStore, 'volume-v1', requestOf('v1'), ...names);
    const runner = await world.start();
    await runner.waitFor(position, 1_000);
    const writes = world.readStore.writes.filter(({ projection }) => projection === 'volumes');
    expect(writes.map(({ changes }) => changes.length)).toEqual([1]);
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ name: 'name-49' });
  });

  it('takes together what comes in the moment after many events, and at once what comes after few', async () => {
    const world = createWorld();
    const pauses: (() => void)[] = [];
    const sleep: Clock['sleep'] = (ms, signal) =>
      ms < 100 ? new Promise((resolve) => pauses.push(resolve)) : clock.sleep(ms, signal);
    const runner = await world.start({ clock: { ...clock, sleep } });
    const renamed = (...names: string[]) =>
      append(world.eventStore, 'volume-v1', ...names.map((name) => updateOf('v1', name)));
    const volumeWrites = () => world.readStore.writes.filter(({ projection }) => projection === 'volumes').length;
    await runner.waitFor(await append(world.eventStore, 'volume-v1', requestOf('v1')), 1_000);
    await runner.waitFor(await renamed('few'), 1_000);
    expect([volumeWrites(), pauses.length]).toEqual([2, 0]);
    await runner.waitFor(await renamed(...Array.from({ length: 12 }, (_, at) => `many-${at}`)), 1_000);
    await vi.waitFor(() => expect(pauses).toHaveLength(1));
    await renamed('one');
    const last = await renamed('other');
    expect(statusOf(runner, 'volumes').position).toBeLessThan(last);
    pauses[0]?.();
    await vi.waitFor(() => expect(statusOf(runner, 'volumes').position).toBe(last));
    expect(volumeWrites()).toBe(4);
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ name: 'other' });
  });

  it('does not write to collections that nothing happened to, until it stops', async () => {
    const world = createWorld();
    const runner = await world.start();
    const position = await append(world.eventStore, 'volume-v1', requestOf('v1'));
    await runner.waitFor(position, 1_000);
    const written = () => world.readStore.writes.map(({ projection }) => projection);
    expect(written()).not.toContain('pools');
    await runner.stop();
    expect(written()).toContain('pools');
    expect(await world.readStore.checkpoint('pools', 1_000)).toMatchObject({ position });
  });

  it('goes on where it stopped, without reading anything twice', async () => {
    const world = createWorld();
    const first = await world.start();
    await first.waitFor(await append(world.eventStore, 'volume-v1', requestOf('v1')), 1_000);
    await first.stop();
    const position = await append(world.eventStore, 'volume-v1', updateOf('v1', 'renamed'));
    world.readStore.writes.length = 0;
    const second = await world.start();
    await second.waitFor(position, 1_000);
    const writes = world.readStore.writes.filter(({ projection }) => projection === 'auditLog');
    expect(writes.flatMap(({ changes }) => changes)).toHaveLength(1);
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ name: 'renamed', sizeGiB: 1 });
  });

  it('waits for a read store that is away, and does not do twice what it was not told of', async () => {
    const world = createWorld();
    world.readStore.plantFaults('volumes', 'down', 'landed');
    world.readStore.plantFaults('auditLog', 'landed');
    const runner = await world.start();
    const position = await append(world.eventStore, 'volume-v1', requestOf('v1'));
    expect(await runner.waitFor(position, 5_000)).toBe(true);
    expect(await world.readStore.get('volumes', 'v1')).not.toBeNull();
    expect(statusOf(runner, 'auditLog').stopped).toBeNull();
  });

  it('stops a collection that somebody else writes to, and lets the others go on', async () => {
    const world = createWorld();
    const runner = await world.start();
    await runner.waitFor(await append(world.eventStore, 'volume-v1', requestOf('v1')), 1_000);
    world.readStore.moveCheckpoint('volumes', { position: 5_000n, eventId: 'another' });
    const position = await append(world.eventStore, 'volume-v2', requestOf('v2'));
    expect(await runner.waitFor(position, 1_000)).toBe(false);
    expect(statusOf(runner, 'volumes').stopped).toContain('moved by another writer');
    expect(world.readStore.documents('auditLog').size).toBe(2);
  });

  it('tells how far each read model is', async () => {
    const world = createWorld();
    const runner = await world.start();
    const position = await append(world.eventStore, 'volume-v1', requestOf('v1'));
    await runner.waitFor(position, 1_000);
    expect(runner.status().map(({ lag, stopped, stale, rebuild }) => [lag, stopped, stale, rebuild])).toEqual(
      allProjections.map(() => [0, null, [], null]),
    );
    void runner.waitFor(position + 3n, 20);
    expect(statusOf(runner, 'volumes').lag).toBe(3);
  });
});

describe('a document folded live', () => {
  it('is what a fold of its events from the beginning makes, whatever the batches were', async () => {
    await fc.assert(
      fc.asyncProperty(
        stepsArbitrary,
        stepsArbitrary,
        fc.integer({ min: 1, max: 20 }),
        async (one, other, batchSize) => {
          const world = createWorld();
          const runner = await world.start({ batchSize });
          const lives = [lifeOf('v1', one), lifeOf('v2', other)];
          let position = 0n;
          for (let at = 0; at < Math.max(...lives.map(({ length }) => length)); at += 1) {
            for (const [index, life] of lives.entries()) {
              const event = life[at]?.event;
              if (event !== undefined) position = await append(world.eventStore, `volume-v${index + 1}`, event);
            }
          }
          expect(await runner.waitFor(position, 5_000)).toBe(true);
          for (const projection of allProjections) {
            const { name } = projection.collection;
            const scratch = new Map<string, unknown>();
            foldAll(projection, world.eventStore.events, scratch);
            expect(new Map(world.readStore.documents(name)), name).toEqual(scratch);
          }
          await runner.stop();
        },
      ),
      { numRuns: 20 },
    );
  });
});

function foldAll(projection: Projection, events: readonly RecordedEvent[], documents: Map<string, unknown>): void {
  for (const event of events) {
    if (!projection.streams.prefixes.some((prefix) => event.stream.startsWith(prefix))) continue;
    for (const id of projection.idsOf(event)) {
      const document = projection.apply((documents.get(id) ?? null) as never, event, id);
      if (document === null) documents.delete(id);
      else documents.set(id, document);
    }
  }
}

describe('an event that cannot be read', () => {
  it('stops the read models that it concerns, with the reason, and no others', async () => {
    const world = createWorld();
    const decode = (event: RecordedEvent): RecordedEvent => {
      if (event.type === 'VolumeShrunk') throw new UnreadableEvent(event.type, 1, 'unknown type');
      return decodeRecorded(event);
    };
    const runner = await world.start({ decode });
    await append(world.eventStore, 'volume-v1', requestOf('v1'));
    await append(world.eventStore, 'volume-v1', { type: 'VolumeShrunk', data: { volumeId: 'v1' } });
    const position = await append(world.eventStore, 'quotaClasses', {
      type: 'QuotaClassLimitsSet',
      data: { className: 'default', limits: { volumes: 5 } },
    });
    expect(await runner.waitFor(position, 1_000)).toBe(false);
    expect(statusOf(runner, 'volumes')).toMatchObject({ stopped: expect.stringContaining('VolumeShrunk'), lag: 2 });
    expect(statusOf(runner, 'auditLog').stopped).toContain('unknown type');
    expect(statusOf(runner, 'quotaClasses')).toMatchObject({ stopped: null, lag: 0 });
    expect(await world.readStore.get('volumes', 'v1')).not.toBeNull();
    expect(await world.readStore.get('quotaClasses', 'default')).not.toBeNull();
    expect(world.log).toContainEqual(expect.objectContaining({ level: 'error', message: 'projection stopped' }));
  });

  it('is read by the build that knows it: the next start goes on from there', async () => {
    const world = createWorld();
    const old = await world.start({
      decode: (event) => {
        if (event.type === 'VolumeUpdated')
          throw new UnreadableEvent(event.type, 2, 'this build reads up to version 1');
        return decodeRecorded(event);
      },
    });
    await append(world.eventStore, 'volume-v1', requestOf('v1'));
    const position = await append(world.eventStore, 'volume-v1', updateOf('v1', 'renamed'));
    await old.waitFor(position, 1_000);
    await old.stop();
    const runner = await world.start();
    expect(await runner.waitFor(position, 1_000)).toBe(true);
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ name: 'renamed' });
  });
});

describe('a poison event', () => {
  const poisoned = volumesWith({
    apply: (document, event, id) => {
      if ((event.data as { name?: string }).name === 'poison') throw new TypeError('cannot fold this');
      return volumesProjection.apply(document as never, event, id);
    },
  });
  const projections = allProjections.map((one) => (one === volumesProjection ? poisoned : one));

  const poison = async (world: World, runner: ProjectionRunner): Promise<void> => {
    await append(world.eventStore, 'volume-v1', requestOf('v1'), updateOf('v1', 'before'));
    await append(world.eventStore, 'volume-v1', updateOf('v1', 'poison'), updateOf('v1', 'after'));
    await runner.waitFor(await append(world.eventStore, 'volume-v2', requestOf('v2')), 1_000);
  };

  it('parks its document as it was before, and leaves the list alone', async () => {
    const world = createWorld();
    const runner = await world.start({ projections });
    await poison(world, runner);
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ name: 'before' });
    expect(await world.readStore.get('volumes', 'v2')).not.toBeNull();
    expect(statusOf(runner, 'volumes')).toMatchObject({
      stopped: null,
      lag: 0,
      stale: [{ documentId: 'v1', eventType: 'VolumeUpdated', reason: 'cannot fold this' }],
    });
  });

  it('is remembered after a restart', async () => {
    const world = createWorld();
    const first = await world.start({ projections });
    await poison(world, first);
    await first.stop();
    const second = await world.start({ projections });
    await second.waitFor(await append(world.eventStore, 'volume-v1', updateOf('v1', 'later')), 1_000);
    expect(statusOf(second, 'volumes').stale).toHaveLength(1);
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ name: 'before' });
  });

  it('is forgotten once the collection was rebuilt by code that can fold it', async () => {
    const world = createWorld();
    const first = await world.start({ projections });
    await poison(world, first);
    await first.stop();
    const mended = await world.start();
    await mended.rebuild(['volumes']);
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ name: 'after' });
    expect(statusOf(mended, 'volumes').stale).toEqual([]);
    expect(world.readStore.documents('staleDocuments').size).toBe(0);
  });
});

describe('a read store that does not fit the log', () => {
  const rebuilt = async (runner: ProjectionRunner, name: string): Promise<void> => {
    await expect.poll(() => statusOf(runner, name).stopped).toBeNull();
  };

  it('is rebuilt, loudly, where it is ahead of the log', async () => {
    const before = createWorld();
    const first = await before.start();
    await append(before.eventStore, 'volume-v1', requestOf('v1'));
    await first.waitFor(await append(before.eventStore, 'volume-lost', requestOf('lost')), 1_000);
    await first.stop();

    const world = createWorld(before.readStore);
    const position = await append(world.eventStore, 'volume-v1', requestOf('v1'));
    const runner = await world.start();
    await rebuilt(runner, 'volumes');
    expect(await world.readStore.get('volumes', 'lost')).toBeNull();
    expect(await world.readStore.get('volumes', 'v1')).not.toBeNull();
    expect(await runner.waitFor(position, 1_000)).toBe(true);
    expect(world.log).toContainEqual({
      level: 'error',
      fields: { collection: 'volumes', reason: expect.stringContaining('is not in the log'), rebuilding: true },
      message: 'read model cannot be gone on with',
    });
  });

  it('is rebuilt where its checkpoint is another event of the same position', async () => {
    const world = createWorld();
    const first = await world.start();
    const position = await append(world.eventStore, 'volume-v1', requestOf('v1'));
    await first.waitFor(position, 1_000);
    await first.stop();
    world.readStore.moveCheckpoint('volumes', { position, eventId: deriveId('another log') });
    world.readStore.tamper('volumes', { id: 'ghost' });
    const runner = await world.start();
    await rebuilt(runner, 'volumes');
    expect([...world.readStore.documents('volumes').keys()]).toEqual(['v1']);
    expect((await world.readStore.versions('volumes')).map(({ version }) => version)).toEqual([1_001]);
  });

  it('is rebuilt to a newer shape beside the old one, which is read until then', async () => {
    const world = createWorld();
    const first = await world.start();
    const position = await append(world.eventStore, 'volume-v1', requestOf('v1'));
    await first.waitFor(position, 1_000);
    await first.stop();
    const newer = volumesWith({
      collection: { ...volumesProjection.collection, version: 2 },
      apply: (document, event, id) => {
        const after = volumesProjection.apply(document as never, event, id);
        return after === null ? null : { ...after, shape: 'new' };
      },
    });
    const runner = await world.start({
      projections: allProjections.map((one) => (one === volumesProjection ? newer : one)),
    });
    expect(await world.readStore.get('volumes', 'v1')).not.toBeNull();
    await rebuilt(runner, 'volumes');
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ shape: 'new' });
    expect(await world.readStore.versions('volumes')).toEqual([{ version: 2_000, live: true }]);
    expect(await runner.waitFor(await append(world.eventStore, 'volume-v1', updateOf('v1', 'renamed')), 1_000)).toBe(
      true,
    );
    expect(await world.readStore.get('volumes', 'v1')).toMatchObject({ shape: 'new', name: 'renamed' });
  });

  it('is left alone by an older build', async () => {
    const world = createWorld();
    await world.readStore.ensure({ ...volumesProjection.collection, version: 2_000 });
    const runner = await world.start();
    const position = await append(world.eventStore, 'volume-v1', requestOf('v1'));
    expect(await runner.waitFor(position, 1_000)).toBe(false);
    expect(statusOf(runner, 'volumes').stopped).toContain('made by a newer build');
    expect(await world.readStore.versions('volumes')).toEqual([{ version: 2_000, live: true }]);
  });
});
