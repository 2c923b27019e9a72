import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { CheckpointMoved, type Document, type ReadStore } from '../../src/ports/read-store.ts';
import { createFold } from '../../src/projections/fold.ts';
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
async function startFold() {
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
    void fold.apply([{ event, unreadable: null }], end, { ahead: true }).then(() => applied.push(at));
  };
  const positions = (): readonly number[] => begun.map(({ position }) => Number(position));
  return { fold, begun, gates, applied, apply, positions };
}

describe('a fold that is ahead of its writes', () => {
  it('begins each write when the one before is done, and waits when two are under way', async () => {
    const { gates, applied, apply, positions, fold } = await startFold();
    for (const [at, id] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ] as const) {
      apply(at, id);
      await turn();
    }
    expect(applied).toEqual([1, 2]);
    expect(positions()).toEqual([1]);
    gates[0]?.resolve();
    await turn();
    expect(applied).toEqual([1, 2, 3]);
    expect(positions()).toEqual([1, 2]);
    gates[1]?.resolve();
    await turn();
    gates[2]?.resolve();
    await fold.settle();
    expect(positions()).toEqual([1, 2, 3]);
    expect(fold.saved?.position).toBe(3n);
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
