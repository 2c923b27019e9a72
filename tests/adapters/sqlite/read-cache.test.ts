import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSqliteReadStore } from '../../../src/adapters/sqlite/read-store.ts';
import type { Change, Checkpoint, CollectionSpec, FindOptions, ReadStore } from '../../../src/ports/read-store.ts';
import { sharedWriterThread, temporaryDirectories } from './store-files.ts';

const aDirectory = temporaryDirectories();
const things: CollectionSpec = { name: 'things', version: 1, indexes: [{ name: 'color', fields: ['color'] }] };
const IDS = ['a', 'b', 'c', 'd', 'e'];
const COLORS = ['red', 'green', 'blue'];
const LISTS: readonly FindOptions[] = [
  {},
  { where: { color: { eq: 'red' } } },
  { sort: [{ field: 'n', direction: 'desc' }], limit: 2 },
  { sort: [{ field: 'id', direction: 'asc' }], after: { id: 'b' } },
];

async function aStore(file: string, readOnly = false): Promise<ReadStore> {
  return openSqliteReadStore({ file, readOnly, writer: sharedWriterThread() });
}

describe('what a read store remembers of its reads', () => {
  it('is what a store that remembers nothing reads, whatever was written in between', async () => {
    const file = `${await aDirectory()}/read.db`;
    const store = await aStore(file);
    await store.ensure(things);
    const plain = await aStore(file, true);
    let at: Checkpoint | null = null;
    const write = async (changesAt: (position: bigint) => readonly Change[]): Promise<void> => {
      const position: bigint = (at?.position ?? 0n) + 1n;
      const to = { position, eventId: `event-${position}` };
      await store.write({ projection: 'things', version: 1, from: at, to, changes: changesAt(position) });
      at = to;
    };
    const aChange = fc.record({ id: fc.constantFrom(...IDS), color: fc.constantFrom(null, ...COLORS), n: fc.nat(9) });
    await fc.assert(
      fc.asyncProperty(fc.array(aChange, { maxLength: 3 }), async (changes) => {
        await write((position) =>
          changes.map(({ id, color, n }) =>
            color === null
              ? { kind: 'delete', id, position }
              : { kind: 'put', document: { id, color, n: n + Number(position) / 1_000 }, position },
          ),
        );
        for (const id of IDS) expect(await store.get('things', id)).toEqual(await plain.get('things', id));
        for (const list of LISTS) expect(await store.find('things', list)).toEqual(await plain.find('things', list));
      }),
      { numRuns: 200 },
    );
    await store.close();
    await plain.close();
  });

  it('gives the same object again until the document is written to', async () => {
    const store = await aStore(`${await aDirectory()}/read.db`);
    await store.ensure(things);
    const put = (id: string, position: bigint): Change => ({ kind: 'put', document: { id, color: 'red' }, position });
    const first = { position: 1n, eventId: 'one' };
    const second = { position: 2n, eventId: 'two' };
    const changes = [put('a', 1n), put('b', 1n)];
    await store.write({ projection: 'things', version: 1, from: null, to: first, changes });
    const [a, b] = [await store.get('things', 'a'), await store.get('things', 'b')];
    expect(await store.find('things', {})).toEqual([a, b]);
    expect((await store.find('things', {}))[0]).toBe(a);
    await store.write({ projection: 'things', version: 1, from: first, to: second, changes: [put('a', 2n)] });
    expect(await store.get('things', 'a')).not.toBe(a);
    expect(await store.get('things', 'b')).toBe(b);
    await store.close();
  });
});
