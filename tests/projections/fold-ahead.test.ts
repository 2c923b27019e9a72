import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Position, RecordedEvent } from '../../src/ports/event-store.ts';
import {
  type Change,
  type Checkpoint,
  CheckpointMoved,
  type Document,
  type ReadStore,
} from '../../src/ports/read-store.ts';
import { createFold, type FoldLogger, readEvent } from '../../src/projections/fold.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { openStaleDocuments } from '../../src/projections/stale-documents.ts';
import { createMemoryReadStore } from './memory-read-store.ts';
import { givenRecorded, recorded } from './recorded.ts';

/** Counts, so that an event that is folded twice shows; a fourth event deletes. */
const counting: Projection = {
  collection: { name: 'counts', version: 1, indexes: [] },
  streams: { prefixes: ['volume-'] },
  idsOf: (event) => [(event.data as { readonly id: string }).id],
  apply: (document, { position }, id) => {
    const count = Number(document?.count ?? 0) + 1;
    return count === 4 ? null : { id, count, seen: [...((document?.seen as string[]) ?? []), String(position)] };
  },
};

const silent: FoldLogger = { info: () => {}, warn: () => {}, error: () => {} };

type Stored = Map<string, { readonly document: Document | null; readonly position: Position }>;

function put(stored: Stored, change: Change): void {
  const id = change.kind === 'put' ? change.document.id : change.id;
  const there = stored.get(id);
  if (there !== undefined && there.position >= change.position) return;
  stored.set(id, { document: change.kind === 'put' ? change.document : null, position: change.position });
}

/** A store that writes documents one by one and the checkpoint last; the writer dies when it has written its last one. */
function brittleStore(stored: Stored, at: { checkpoint: Checkpoint | null }, lastOne: number): ReadStore {
  let left = lastOne;
  return {
    ...createMemoryReadStore(),
    getManyAt: async (_, ids) => ids.flatMap((id) => (stored.has(id) ? [{ id, ...positioned(stored, id) }] : [])),
    write: async ({ to, changes }) => {
      for (const change of changes.slice(0, left)) put(stored, change);
      left -= changes.length;
      // the one error that a fold does not try to get over
      if (left < 0) throw new CheckpointMoved(counting.collection.name, 1);
      at.checkpoint = to;
    },
  };
}

const positioned = (stored: Stored, id: string) => stored.get(id) ?? { document: null, position: 0n };

describe('a fold over a store whose documents may be ahead of the checkpoint', () => {
  it('gives each document every event once, wherever writers died and however the log is cut into batches and writes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 40 }),
        fc.array(fc.record({ batch: fc.integer({ min: 1, max: 12 }), gather: fc.nat(5), landing: fc.nat(6) }), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.integer({ min: 0, max: 3 }),
        async (ids, lives, cachedDocuments) => {
          const log = ids.map((id, n) => recorded({ type: 'VolumeUpdated', data: { id } }, n + 1));
          const stored: Stored = new Map();
          const at: { checkpoint: Checkpoint | null } = { checkpoint: null };
          for (const { landing, ...cut } of lives) {
            await live(stored, at, log, cut, cachedDocuments, landing);
          }
          await live(stored, at, log, { batch: 3, gather: 0 }, cachedDocuments, Number.POSITIVE_INFINITY);
          const there = [...stored].flatMap(([id, { document }]) =>
            document === null ? [] : [[id, document] as const],
          );
          expect(new Map(there)).toEqual(givenRecorded(counting, log).documents);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** One writer's life: from the checkpoint to the end of the log, or until a write dies. */
async function live(
  stored: Stored,
  at: { checkpoint: Checkpoint | null },
  log: readonly RecordedEvent[],
  { batch, gather }: { readonly batch: number; readonly gather: number },
  cachedDocuments: number,
  lastOne: number,
): Promise<void> {
  const readStore = brittleStore(stored, at, lastOne);
  const fold = createFold({
    ...{ readStore, projection: counting, version: 1, checkpoint: at.checkpoint, cachedDocuments },
    ...{ stale: await openStaleDocuments(createMemoryReadStore()), logger: silent, clock: systemClock },
    signal: new AbortController().signal,
  });
  const todo = log.filter(({ position }) => position > (at.checkpoint?.position ?? 0n));
  for (let from = 0; from < todo.length && fold.stopped === null; from += batch) {
    const events = todo.slice(from, from + batch);
    const last = events.at(-1);
    if (last === undefined) return;
    await fold.apply(
      events.map((event) => readEvent((same) => same, event)),
      { position: last.position, eventId: last.id },
      { gather },
    );
  }
  await fold.settle();
}
