import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { StoreUnavailable } from '../../src/ports/event-store.ts';
import { CheckpointMoved, type Document, type ReadStore } from '../../src/ports/read-store.ts';
import { createFold, readEvent, WRITES_AHEAD } from '../../src/projections/fold.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { openStaleDocuments } from '../../src/projections/stale-documents.ts';
import { createMemoryReadStore } from './memory-read-store.ts';
import { recorded } from './recorded.ts';

const counting: Projection = {
  collection: { name: 'counts', version: 1, indexes: [] },
  streams: { prefixes: ['volume-'] },
  idsOf: (event) => [(event.data as { readonly id: string }).id],
  apply: (document, _, id) => ({ id, count: Number(document?.count ?? 0) + 1 }),
};

/** A store whose writes end when a test lets them, over a fold that remembers nothing but what is being written. */
async function startFold(store: Partial<ReadStore> = {}) {
  const begun: { readonly position: bigint; readonly documents: readonly Document[] }[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const readStore: ReadStore = {
    ...createMemoryReadStore(),
    getMany: async () => [],
    write: ({ to, changes }) => {
      const documents = changes.flatMap((change) => (change.kind === 'put' ? [change.document] : []));
      begun.push({ position: to.position, documents });
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      return gate.promise;
    },
    ...store,
  };
  const fold = createFold({
    ...{ readStore, projection: counting, version: 1, checkpoint: null, cachedDocuments: 0 },
    ...{ stale: await openStaleDocuments(createMemoryReadStore()), clock: systemClock },
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    signal: new AbortController().signal,
  });
  const applied: number[] = [];
  const apply = (at: number, id: string): void => {
    const event = recorded({ type: 'VolumeUpdated', data: { id } }, at);
    const end = { position: event.position, eventId: event.id };
    void fold.apply([readEvent((same) => same, event)], end, { gather: 1 }).then(() => applied.push(at));
  };
  const positions = (): readonly number[] => begun.map(({ position }) => Number(position));
  return { fold, begun, gates, applied, apply, positions };
}

describe('a fold that is ahead of its writes', () => {
  const oneTooMany = Array.from({ length: WRITES_AHEAD + 1 }, (_, index) => index + 1);

  it('begins each write when the one before is done, and waits when too many are under way', async () => {
    const { gates, applied, apply, positions, fold } = await startFold();
    for (const at of oneTooMany) {
      apply(at, `document-${at}`);
      await turn();
    }
    expect(applied).toEqual(oneTooMany.slice(0, -1));
    expect(positions()).toEqual([1]);
    gates[0]?.resolve();
    await turn();
    expect(applied).toEqual(oneTooMany);
    expect(positions()).toEqual([1, 2]);
    for (const at of oneTooMany.slice(1)) {
      gates[at - 1]?.resolve();
      await turn();
    }
    await fold.settle();
    expect(positions()).toEqual(oneTooMany);
    expect(fold.saved?.position).toBe(BigInt(oneTooMany.length));
  });

  it('begins every write at once where the store carries them out in order', async () => {
    const { gates, apply, positions, fold } = await startFold({ inOrder: true });
    for (const at of [1, 2, 3]) {
      apply(at, 'a');
      await turn();
    }
    expect(positions()).toEqual([1, 2, 3]);
    for (const gate of gates) gate.resolve();
    await fold.settle();
    expect(fold.saved?.position).toBe(3n);
  });

  it('writes again, each from where the one before came to, what could not be written because that one was not', async () => {
    const { gates, begun, apply, positions, fold } = await startFold({ inOrder: true, checkpoint: async () => null });
    for (const at of [1, 2]) {
      apply(at, 'a');
      await turn();
    }
    gates[0]?.reject(new StoreUnavailable('away for a moment', 'not-done'));
    gates[1]?.reject(new CheckpointMoved('counts', 1));
    await turn();
    expect(positions()).toEqual([1, 2, 1]);
    gates[2]?.resolve();
    await turn();
    expect(positions()).toEqual([1, 2, 1, 2]);
    gates[3]?.resolve();
    await fold.settle();
    expect(begun.map(({ documents }) => documents[0]?.count)).toEqual([1, 2, 1, 2]);
    expect(fold.stopped).toBeNull();
    expect(fold.saved?.position).toBe(2n);
  });

  it('takes for written what was with what follows it, though no answer came', async () => {
    const last = recorded({ type: 'VolumeUpdated', data: { id: 'a' } }, 3);
    const there = { position: last.position, eventId: last.id };
    const { gates, apply, positions, fold } = await startFold({ inOrder: true, checkpoint: async () => there });
    for (const at of [1, 2, 3]) {
      apply(at, 'a');
      await turn();
    }
    for (const gate of gates) gate.reject(new StoreUnavailable('the writer has died', 'unknown'));
    for (const retry of [3, 4, 5]) {
      await expect.poll(() => gates.length).toBe(retry + 1);
      gates[retry]?.reject(new CheckpointMoved('counts', 1));
    }
    await fold.settle();
    expect(positions()).toEqual([1, 2, 3, 1, 2, 3]);
    expect(fold.stopped).toBeNull();
    expect(fold.saved).toEqual(there);
  });

  it('takes for written what was, though the answer said otherwise', async () => {
    const at2 = recorded({ type: 'VolumeUpdated', data: { id: 'a' } }, 2);
    const there = { position: at2.position, eventId: at2.id };
    const { gates, apply, fold } = await startFold({ inOrder: true, checkpoint: async () => there });
    apply(2, 'a');
    await turn();
    gates[0]?.reject(new StoreUnavailable('nobody knows', 'unknown'));
    await turn();
    gates[1]?.reject(new CheckpointMoved('counts', 1));
    await fold.settle();
    expect(fold.stopped).toBeNull();
    expect(fold.saved).toEqual(there);
  });

  it('goes on from what is being written, the newest of it', async () => {
    const { gates, begun, apply, fold } = await startFold();
    for (const at of [1, 2]) {
      apply(at, 'a');
      await turn();
    }
    gates[0]?.resolve();
    await turn();
    apply(3, 'a');
    await turn();
    gates[1]?.resolve();
    await turn();
    gates[2]?.resolve();
    await fold.settle();
    expect(begun.map(({ documents }) => documents)).toEqual([
      [{ id: 'a', count: 1 }],
      [{ id: 'a', count: 2 }],
      [{ id: 'a', count: 3 }],
    ]);
  });

  it('writes nothing behind a write that cannot be done, and stops', async () => {
    const { gates, apply, positions, fold } = await startFold();
    for (const at of [1, 2]) {
      apply(at, 'a');
      await turn();
    }
    gates[0]?.reject(new CheckpointMoved('counts', 1));
    await fold.settle();
    apply(3, 'b');
    await turn();
    expect(positions()).toEqual([1]);
    expect(fold.stopped).toContain('counts');
    expect(fold.saved).toBeNull();
  });
});
