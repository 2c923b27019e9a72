import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckpointMoved, type ReadStore } from '../../src/ports/read-store.ts';
import { describeFinding } from './read-store-finding.ts';
import { aCollection, deletion, put } from './read-store-fixtures.ts';

const TO = { position: 1n, eventId: 'e1' };

/** A store under test; it may hold other collections already, so tests make collections of their own. */
export interface OpenedReadStore {
  readonly store: ReadStore;
  readonly reopen?: () => Promise<ReadStore>;
  readonly cleanup: () => Promise<void>;
}

export interface ReadStoreTraits {
  /** False for a stand-in that does not compare text beyond the basic plane by code point. */
  readonly textBeyondBmp?: boolean;
  /** How many drawn filters and orders are tried; fewer on a slow stand-in. */
  readonly propertyRuns?: number;
}

/** What every read store must do, whatever engine it runs on. */
export function readStoreContract(
  name: string,
  open: () => Promise<OpenedReadStore>,
  traits: ReadStoreTraits = {},
): void {
  describe(`read store on ${name}`, () => {
    let opened: OpenedReadStore;
    let store: ReadStore;

    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(() => opened.cleanup());

    describe('documents', () => {
      it('are read as they were written, as soon as the write resolves', async () => {
        const { name, write } = await aCollection(store);
        const document = {
          id: 'a',
          text: 'für 🐙 "x"',
          list: [1, null, { deep: true }],
          none: null,
          size: 1.5,
          on: false,
        };
        await write(put(document));
        expect(await store.get(name, 'a')).toEqual(document);
      });

      it('that are not there are null', async () => {
        const { name } = await aCollection(store);
        expect(await store.get(name, 'a')).toBeNull();
      });

      it('are read many at a time in the order asked for, without those that are not there', async () => {
        const { name, write } = await aCollection(store);
        await write(put({ id: 'a', n: 1 }), put({ id: 'b', n: 2 }), put({ id: 'c', n: 3 }));
        expect(await store.getMany(name, ['c', 'x', 'a'])).toEqual([
          { id: 'c', n: 3 },
          { id: 'a', n: 1 },
        ]);
        expect(await store.getMany(name, [])).toEqual([]);
      });

      it('are replaced as a whole, and deleted', async () => {
        const { name, write } = await aCollection(store);
        await write(put({ id: 'a', old: true }, 1), put({ id: 'b' }, 2));
        await write(put({ id: 'a', fresh: true }, 3), deletion('b', 4));
        expect(await store.get(name, 'a')).toEqual({ id: 'a', fresh: true });
        expect(await store.get(name, 'b')).toBeNull();
        expect(await store.find(name, {})).toEqual([{ id: 'a', fresh: true }]);
        expect(await store.count(name)).toBe(1);
      });

      it('of a collection that nobody made are an error, not an empty answer', async () => {
        await expect(store.get('neverMade', 'a')).rejects.toThrow(/neverMade/);
      });
    });

    describe('positions', () => {
      it('only move forwards: an older change of a document does nothing', async () => {
        const { name, write } = await aCollection(store);
        await write(put({ id: 'a', n: 'newer' }, 10));
        await write(put({ id: 'a', n: 'older' }, 9), put({ id: 'b' }, 9));
        await write(put({ id: 'a', n: 'same' }, 10));
        await write(deletion('a', 8));
        expect(await store.get(name, 'a')).toEqual({ id: 'a', n: 'newer' });
        expect(await store.get(name, 'b')).toEqual({ id: 'b' });
      });

      it('a deleted document is not revived by a writer that slept', async () => {
        const { name, write } = await aCollection(store);
        await write(put({ id: 'a', n: 1 }, 1));
        await write(deletion('a', 5), deletion('never-seen', 5));
        await write(put({ id: 'a', n: 2 }, 4), put({ id: 'never-seen', n: 2 }, 3));
        expect(await store.get(name, 'a')).toBeNull();
        expect(await store.get(name, 'never-seen')).toBeNull();
        expect(await store.count(name)).toBe(0);
      });

      it('a document that is made again after its deletion is there', async () => {
        const { name, write } = await aCollection(store);
        await write(put({ id: 'a', n: 1 }, 1), deletion('a', 5));
        await write(put({ id: 'a', n: 2 }, 6));
        expect(await store.find(name, {})).toEqual([{ id: 'a', n: 2 }]);
      });
    });

    describe('the checkpoint', () => {
      it('is null at first, and afterwards where the last write left it', async () => {
        const { name, write, at } = await aCollection(store);
        expect(await store.checkpoint(name, 1)).toBeNull();
        await write(put({ id: 'a' }));
        expect(await store.checkpoint(name, 1)).toEqual(at());
        await write();
        expect(await store.checkpoint(name, 1)).toEqual(at());
      });

      it.each([
        ['thinks it is the first', null],
        ['is at another position', { position: 7n, eventId: 'e1' }],
        ['is at the same position of another log', { position: 1n, eventId: 'e2' }],
      ])('refuses a writer that %s, with its documents', async (_, from) => {
        const { name } = await aCollection(store);
        const to = { position: 1n, eventId: 'e1' };
        await store.write({ projection: name, version: 1, from: null, to, changes: [put({ id: 'a' })] });
        const next = { position: 2n, eventId: 'e3' };
        const refused = store.write({ projection: name, version: 1, from, to: next, changes: [put({ id: 'b' }, 2)] });
        await expect(refused).rejects.toThrow(CheckpointMoved);
        expect(await store.get(name, 'b')).toBeNull();
        expect(await store.checkpoint(name, 1)).toEqual(to);
      });

      it('refuses a writer that expects one where there is none', async () => {
        const { name } = await aCollection(store);
        const [from, to] = [1n, 2n].map((position) => ({ position, eventId: `e${position}` }));
        if (from === undefined || to === undefined) throw new Error('two checkpoints');
        await expect(store.write({ projection: name, version: 1, from, to, changes: [] })).rejects.toThrow(
          CheckpointMoved,
        );
        expect(await store.checkpoint(name, 1)).toBeNull();
      });

      it('carries writes out in the order they are asked for, where it says so', async ({ skip }) => {
        if (store.inOrder !== true) skip('it does not say so');
        const { name } = await aCollection(store);
        const at = (position: bigint) => ({ position, eventId: `e${position}` });
        const write = (from: bigint | null, to: bigint) =>
          store.write({
            ...{ projection: name, version: 1, from: from === null ? null : at(from), to: at(to) },
            changes: [put({ id: 'a', count: Number(to) }, Number(to))],
          });
        await Promise.all([write(null, 1n), write(1n, 2n), write(2n, 3n)]);
        expect(await store.get(name, 'a')).toEqual({ id: 'a', count: 3 });
        const outcomes = await Promise.allSettled([write(1n, 4n), write(4n, 5n), write(3n, 6n)]);
        expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
        expect(await store.get(name, 'a')).toEqual({ id: 'a', count: 6 });
      });

      it('takes the text of a document that comes with it for what it says', async () => {
        const { name } = await aCollection(store);
        const document = { id: 'a', name: 'with "quotes"', count: 2 };
        const change = { ...put(document), text: JSON.stringify(document) };
        await store.write({ projection: name, version: 1, from: null, to: TO, changes: [change] });
        expect(await store.get(name, 'a')).toEqual(document);
        expect(await store.find(name, { where: { count: { eq: 2 } } })).toEqual([document]);
      });

      it('lets one of many writers move it', async () => {
        const { name } = await aCollection(store);
        const outcomes = await Promise.allSettled(
          Array.from({ length: 50 }, (_, n) => {
            const to = { position: 1n, eventId: `e${n}` };
            return store.write({ projection: name, version: 1, from: null, to, changes: [put({ id: `d${n}` })] });
          }),
        );
        expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
        expect(await store.count(name)).toBe(1);
      });

      it('of each collection is its own, and writes to many at once all land', async () => {
        const collections = await Promise.all(Array.from({ length: 10 }, () => aCollection(store)));
        await Promise.all(
          collections.map(async ({ name, write }) => {
            for (let n = 1; n <= 20; n += 1) {
              await write(put({ id: 'a', n }, n));
              expect(await store.get(name, 'a')).toEqual({ id: 'a', n });
            }
          }),
        );
      });
    });

    describe('versions of a collection', () => {
      it('stand side by side; reads see the first until they are switched', async () => {
        const { name, write } = await aCollection(store);
        await write(put({ id: 'a', version: 'one' }));
        await store.ensure({ name, version: 2, indexes: [{ name: 'byText', fields: ['text'] }] });
        expect(await store.versions(name)).toEqual([
          { version: 1, live: true },
          { version: 2, live: false },
        ]);
        const to = { position: 1n, eventId: 'e1' };
        await store.write({
          projection: name,
          version: 2,
          from: null,
          to,
          changes: [put({ id: 'a', version: 'two' })],
        });
        expect(await store.get(name, 'a')).toEqual({ id: 'a', version: 'one' });
        expect(await store.get(name, 'a', 2)).toEqual({ id: 'a', version: 'two' });
        expect(await store.count(name, { version: { eq: 'two' } }, 2)).toBe(1);
        await store.switchTo(name, 2);
        expect(await store.get(name, 'a')).toEqual({ id: 'a', version: 'two' });
        expect(await store.get(name, 'a', 1)).toEqual({ id: 'a', version: 'one' });
        expect(await store.versions(name)).toEqual([
          { version: 1, live: false },
          { version: 2, live: true },
        ]);
      });

      it('are dropped with their documents and their checkpoint', async () => {
        const { name, write } = await aCollection(store);
        await write(put({ id: 'a' }));
        await store.ensure({ name, version: 2, indexes: [] });
        await store.switchTo(name, 2);
        await store.drop(name, 1);
        expect(await store.versions(name)).toEqual([{ version: 2, live: true }]);
        expect(await store.checkpoint(name, 1)).toBeNull();
        await store.ensure({ name, version: 1, indexes: [] });
        expect(await store.get(name, 'a', 1)).toBeNull();
      });

      it('are made once: ensuring again changes nothing', async () => {
        const { name, write } = await aCollection(store, [['n']]);
        await write(put({ id: 'a', n: 1 }));
        await store.ensure({ name, version: 1, indexes: [{ name: 'other', fields: ['n', 'm'] }] });
        expect(await store.find(name, { where: { n: { eq: 1 } } })).toEqual([{ id: 'a', n: 1 }]);
        expect(await store.versions(name)).toEqual([{ version: 1, live: true }]);
      });

      it('that were never made cannot become live', async () => {
        const { name } = await aCollection(store);
        await expect(store.switchTo(name, 9)).rejects.toThrow();
        expect(await store.versions(name)).toEqual([{ version: 1, live: true }]);
      });
    });

    describeFinding(() => store, traits);

    it('after it was closed and opened again, it has documents, checkpoints and versions', async (context) => {
      if (opened.reopen === undefined) return context.skip();
      const { name, write, at } = await aCollection(store);
      await write(put({ id: 'a', n: 1 }, 1), deletion('b', 2));
      await store.ensure({ name, version: 2, indexes: [] });
      store = await opened.reopen();
      expect(await store.get(name, 'a')).toEqual({ id: 'a', n: 1 });
      expect(await store.checkpoint(name, 1)).toEqual(at());
      expect(await store.versions(name)).toHaveLength(2);
      const to = { position: 9n, eventId: 'e9' };
      await store.write({ projection: name, version: 1, from: at(), to, changes: [put({ id: 'b' }, 1)] });
      expect(await store.get(name, 'b'), 'its tombstone is still there').toBeNull();
    });
  });
}
