import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { createFold, readEvent } from '../../src/projections/fold.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { openStaleDocuments } from '../../src/projections/stale-documents.ts';
import { createMemoryReadStore } from './memory-read-store.ts';
import { recorded } from './recorded.ts';

/** Counts, and cannot fold a second event of what is called `poison`; an event called `end` ends its document. */
const counting: Projection = {
  collection: { name: 'counts', version: 1, indexes: [] },
  streams: { prefixes: ['volume-'] },
  idsOf: ({ data }) => [(data as { readonly id: string }).id],
  apply: (document, { data }, id) => {
    if (id === 'poison' && document !== null) throw new Error('what is this?');
    const { ends } = data as { readonly ends?: boolean };
    return ends === true ? null : { id, count: Number(document?.count ?? 0) + 1 };
  },
};

async function startFold() {
  const readStore = createMemoryReadStore();
  await readStore.ensure(counting.collection);
  const stale = await openStaleDocuments(readStore);
  const fold = createFold({
    ...{ readStore, projection: counting, version: 1, checkpoint: null, cachedDocuments: 0, stale, clock: systemClock },
    ...{ logger: { info: () => {}, warn: () => {}, error: () => {} }, signal: new AbortController().signal },
  });
  const decode = (event: ReturnType<typeof recorded>) => {
    if (event.type === 'Unreadable') throw new Error('of a newer build');
    return event;
  };
  return {
    fold,
    stale,
    apply: async (at: number, data: object, { gather = 4, stream = 'volume-1', type = 'VolumeUpdated' } = {}) => {
      const event = recorded({ type, data }, at, { stream });
      const end = { position: event.position, eventId: event.id };
      await fold.apply([readEvent(decode, event)], end, { gather });
    },
    counts: async () => Object.fromEntries((await readStore.find('counts', {})).map(({ id, count }) => [id, count])),
    savedAt: () => (fold.saved === null ? null : Number(fold.saved.position)),
  };
}

describe('a fold that gathers', () => {
  it('writes once enough has come together, and the rest when it settles', async () => {
    const { fold, apply, counts, savedAt } = await startFold();
    for (const at of [1, 2, 3]) await apply(at, { id: 'a' });
    expect(fold.through).toBe(3n);
    expect([savedAt(), await counts()]).toEqual([null, {}]);
    for (const at of [4, 5]) await apply(at, { id: 'b' });
    await expect.poll(savedAt).toBe(4);
    expect(await counts()).toEqual({ a: 3, b: 1 });
    await fold.settle();
    expect([savedAt(), await counts()]).toEqual([5, { a: 3, b: 2 }]);
  });

  it('writes nothing of a document that came and went meanwhile, and takes one away that was there', async () => {
    const { fold, apply, counts } = await startFold();
    await apply(1, { id: 'a' });
    await fold.settle();
    await apply(2, { id: 'b' });
    await apply(3, { id: 'b', ends: true });
    await apply(4, { id: 'a', ends: true });
    await apply(5, { id: 'c' });
    await fold.settle();
    expect(await counts()).toEqual({ c: 1 });
  });

  it('gets on in the log where few events concern it', async () => {
    const { apply, savedAt, counts } = await startFold();
    await apply(1, { id: 'a' }, { gather: 2 });
    for (let at = 2; at <= 40; at += 1) await apply(at, { id: 'x' }, { gather: 2, stream: 'quota-1' });
    await expect.poll(savedAt).toBe(32);
    expect(await counts()).toEqual({ a: 1 });
    for (let at = 41; at <= 80; at += 1) await apply(at, { id: 'x' }, { gather: 2, stream: 'quota-1' });
    await expect.poll(savedAt).toBe(64);
  });

  it('writes what came before it parks a document', async () => {
    const { fold, stale, apply, counts, savedAt } = await startFold();
    await apply(1, { id: 'poison' }, { gather: 100 });
    await apply(2, { id: 'a' }, { gather: 100 });
    await apply(3, { id: 'poison' }, { gather: 100 });
    expect([savedAt(), await counts()]).toEqual([2, { a: 1, poison: 1 }]);
    expect(stale.list('counts', 1).map(({ documentId, position }) => [documentId, position])).toEqual([
      ['poison', '3'],
    ]);
    await fold.settle();
    expect(fold.stopped).toBeNull();
  });

  it('writes what came before an event that it cannot read, and stops', async () => {
    const { fold, apply, counts, savedAt } = await startFold();
    await apply(1, { id: 'a' });
    await apply(2, { id: 'a' }, { type: 'Unreadable' });
    expect(fold.stopped).toBe('of a newer build');
    expect([savedAt(), await counts()]).toEqual([1, { a: 1 }]);
  });
});
