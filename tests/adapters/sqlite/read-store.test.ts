import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { DamagedStore } from '../../../src/adapters/sqlite/faults.ts';
import { discardSqliteReadStore, openSqliteReadStore } from '../../../src/adapters/sqlite/read-store.ts';
import {
  fieldsOf,
  fieldValue,
  indexStatements,
  READ_STORE_LAYOUT,
  statementsToEnsure,
  tableOf,
} from '../../../src/adapters/sqlite/read-store-layout.ts';
import { queriesOf } from '../../../src/adapters/sqlite/read-store-query.ts';
import type {
  Change,
  CollectionSpec,
  Document,
  FindOptions,
  ReadStore,
  Scalar,
  Where,
} from '../../../src/ports/read-store.ts';
import { volumesCollection } from '../../../src/projections/volumes.ts';
import { sharedWriterThread, temporaryDirectories } from './store-files.ts';

const aDirectory = temporaryDirectories();

/** SQLite's plans for the queries of one find on an empty collection. */
function plansOf(spec: CollectionSpec, options: FindOptions): string[] {
  const database = new DatabaseSync(':memory:');
  database.exec(READ_STORE_LAYOUT.schema);
  for (const { sql, rows } of [...statementsToEnsure(spec), ...indexStatements(spec)]) {
    for (const row of rows) database.prepare(sql).run(...row);
  }
  const columns = new Set(fieldsOf(spec));
  const inSql = (field: string) => fieldValue(field, columns);
  return queriesOf(tableOf(spec.name, spec.version), options, inSql).map(({ text, parameters }) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all(...parameters, 20, 0)
      .map((row) => String(row.detail))
      .join('; '),
  );
}

const collections: readonly CollectionSpec[] = [
  volumesCollection,
  {
    name: 'things',
    version: 3,
    indexes: [
      { name: 'byName', fields: ['name'] },
      { name: 'byDeepZone', fields: ['nested.zone', 'projectId', 'name'] },
    ],
  },
];

/** Every index, split in every way into fields that must be equal and fields to sort by. */
const uses = collections.flatMap((spec) =>
  spec.indexes.flatMap((index) =>
    index.fields.map((_, at) => ({ spec, index, equal: index.fields.slice(0, at), sorted: index.fields.slice(at) })),
  ),
);

describe('every declared index', () => {
  it.each(uses.map((use) => [`${use.spec.name} (${use.equal.join(', ')} | ${use.sorted.join(', ')})`, use] as const))(
    'serves equal fields and order: %s',
    (_, { spec, equal, sorted }) => {
      for (const direction of ['asc', 'desc'] as const) {
        const sort = [...new Set([...sorted, 'id'])].map((field) => ({ field, direction }));
        const values = (of: Scalar) => Object.fromEntries(sort.map(({ field }) => [field, field === 'id' ? 'x' : of]));
        const wheres = ['v', null].map((value) => Object.fromEntries(equal.map((field) => [field, { eq: value }])));
        for (const where of wheres) {
          for (const after of [undefined, values('v'), values(null)]) {
            const plans = plansOf(spec, { where, sort, limit: 20, ...(after === undefined ? {} : { after }) });
            for (const plan of plans) {
              expect(plan).toMatch(/^(SEARCH|SCAN) \S+ USING (COVERING )?INDEX [^;]*$/);
              if (equal.length > 0) expect(plan).toMatch(/^SEARCH/);
            }
          }
        }
      }
    },
  );

  it('also answers the next page by a seek, not by reading what lies before it', () => {
    const [first] = collections[1]?.indexes ?? [];
    expect(first?.fields).toEqual(['name']);
    const plans = plansOf(
      { name: 'things', version: 3, indexes: [{ name: 'byName', fields: ['name'] }] },
      {
        sort: [{ field: 'name', direction: 'asc' }],
        after: { name: 'm', id: 'x' },
      },
    );
    expect(plans).toHaveLength(2);
    expect(plans[0]).toMatch(/SEARCH .* \(field name=\? AND id>\?\)/);
    expect(plans[1]).toMatch(/SEARCH .* \(field name>\?\)/);
  });
});

describe('a tombstone', () => {
  it('keeps a deleted document dead for a day, and is gone after that', async () => {
    const file = join(await aDirectory(), 'read.db');
    const clock = { at: 1_000_000, now: () => clock.at };
    const store = await openSqliteReadStore({ file, clock, writer: sharedWriterThread() });
    await store.ensure({ name: 'volumes', version: 1, indexes: [] });
    let from: { position: bigint; eventId: string } | null = null;
    const write = async (position: bigint, kind: 'put' | 'delete', at: bigint): Promise<void> => {
      const to = { position, eventId: `e${position}` };
      const change =
        kind === 'put'
          ? ({ kind, document: { id: 'a' }, position: at } as const)
          : ({ kind, id: 'a', position: at } as const);
      await store.write({ projection: 'volumes', version: 1, from, to, changes: [change] });
      from = to;
    };
    await write(1n, 'delete', 10n);
    clock.at += 23 * 3_600_000;
    await write(2n, 'put', 9n);
    await write(3n, 'put', 9n);
    expect(await store.get('volumes', 'a')).toBeNull();
    clock.at += 2 * 3_600_000;
    await write(4n, 'put', 9n);
    await write(5n, 'put', 9n);
    expect(await store.get('volumes', 'a')).toEqual({ id: 'a' });
    await store.close();
  });
});

describe('a read store', () => {
  it('that is damaged is named, and can be discarded and started again', async () => {
    const file = join(await aDirectory(), 'read.db');
    await writeFile(file, 'this is no database at all, but a text of some length');
    await expect(openSqliteReadStore({ file })).rejects.toThrow(DamagedStore);
    discardSqliteReadStore(file);
    const store = await openSqliteReadStore({ file });
    expect(await store.versions('volumes')).toEqual([]);
    await store.close();
  });

  it.each(["a'b", 'a"b', '', 'a..b', 'a b'])('refuses the field %j instead of putting it into SQL', async (field) => {
    const store = await openSqliteReadStore({
      file: join(await aDirectory(), 'read.db'),
      writer: sharedWriterThread(),
    });
    await store.ensure({ name: 'volumes', version: 1, indexes: [] });
    await expect(store.find('volumes', { where: { [field]: { eq: 1 } } })).rejects.toThrow(RangeError);
    await expect(store.find('volumes', { sort: [{ field, direction: 'asc' }] })).rejects.toThrow(RangeError);
    await expect(store.ensure({ name: 'a"; DROP TABLE collections', version: 1, indexes: [] })).rejects.toThrow(
      RangeError,
    );
    await store.close();
  });

  it.each([
    [499, false],
    [500, true],
  ] as const)('gives others their turn after a page of %i documents: %j', async (limit, gives) => {
    const store = await openSqliteReadStore({ file: join(await aDirectory(), 'r.db'), writer: sharedWriterThread() });
    await store.ensure({ name: 'volumes', version: 1, indexes: [] });
    const documents = Array.from({ length: 500 }, (_, n) => ({ id: `v${n}` }));
    const changes = documents.map((document) => ({ kind: 'put', document, position: 1n }) as const);
    const to = { position: 1n, eventId: 'e' };
    await store.write({ projection: 'volumes', version: 1, from: null, to, changes });
    let hadTurn = false;
    setImmediate(() => {
      hadTurn = true;
    });
    expect(await store.find('volumes', { limit })).toHaveLength(limit);
    expect(hadTurn).toBe(gives);
    await store.close();
  });

  it('notices within a second that another process has switched the live version', async () => {
    const file = join(await aDirectory(), 'read.db');
    const [writing, reading] = [await openSqliteReadStore({ file }), await openSqliteReadStore({ file })];
    for (const version of [1, 2]) {
      await writing.ensure({ name: 'volumes', version, indexes: [] });
      const to = { position: 1n, eventId: 'e' };
      const changes = [{ kind: 'put', document: { id: 'a', version }, position: 1n }] as const;
      await writing.write({ projection: 'volumes', version, from: null, to, changes });
    }
    expect(await reading.get('volumes', 'a')).toEqual({ id: 'a', version: 1 });
    await writing.switchTo('volumes', 2);
    await expect.poll(() => reading.get('volumes', 'a'), { timeout: 2_000 }).toEqual({ id: 'a', version: 2 });
    await writing.close();
    await reading.close();
  });
});

describe('the columns that indexes are made of', () => {
  const bare: CollectionSpec = { name: 'things', version: 1, indexes: [] };
  const indexed: CollectionSpec = {
    ...bare,
    indexes: [
      { name: 'color', fields: ['color', 'n'] },
      { name: 'zone', fields: ['where.zone', 'isOpen'] },
    ],
  };
  const aThing = (id: string, color: string | null, isOpen = true): Document => ({
    ...{ id, color, isOpen, n: 1.5 },
    where: { zone: `${color}-zone` },
  });

  async function written(store: ReadStore, from: bigint | null, changes: readonly Change[]): Promise<void> {
    const at = (position: bigint) => ({ position, eventId: `event-${position}` });
    const to = at(changes.at(-1)?.position ?? 0n);
    await store.write({ projection: 'things', version: 1, from: from === null ? null : at(from), to, changes });
  }

  const idsOf = async (store: ReadStore, where: Where): Promise<string[]> =>
    (await store.find('things', { where })).map(({ id }) => id);

  it('follow every change of a document, its deletion and its return', async () => {
    const store = await openSqliteReadStore({ file: join(await aDirectory(), 'r.db'), writer: sharedWriterThread() });
    await store.ensure(indexed);
    await written(store, null, [{ kind: 'put', document: aThing('a', 'red'), position: 1n }]);
    await written(store, 1n, [{ kind: 'put', document: aThing('a', 'blue'), position: 2n }]);
    expect(await idsOf(store, { color: { eq: 'red' } })).toEqual([]);
    expect(await idsOf(store, { 'where.zone': { eq: 'blue-zone' }, isOpen: { eq: true } })).toEqual(['a']);
    await written(store, 2n, [{ kind: 'delete', id: 'a', position: 3n }]);
    expect(await idsOf(store, { color: { eq: 'blue' } })).toEqual([]);
    await written(store, 3n, [{ kind: 'put', document: aThing('a', 'blue', false), position: 4n }]);
    expect(await idsOf(store, { color: { eq: 'blue' }, isOpen: { eq: false } })).toEqual(['a']);
    await written(store, 4n, [{ kind: 'put', document: aThing('a', null), position: 3n }]);
    expect(await idsOf(store, { color: { eq: null } })).toEqual([]);
    expect(await store.get('things', 'a')).toEqual(aThing('a', 'blue', false));
    await store.close();
  });

  it('are added to a collection that gets its indexes later, with what lies there already', async () => {
    const store = await openSqliteReadStore({ file: join(await aDirectory(), 'r.db'), writer: sharedWriterThread() });
    await store.ensure(bare);
    const things = [aThing('a', 'red'), aThing('b', 'blue', false), aThing('c', null)];
    await written(
      store,
      null,
      things.map((document) => ({ kind: 'put', document, position: 1n })),
    );
    await store.ensure(indexed);
    const isOpen = { eq: true };
    expect(await idsOf(store, { color: { in: ['red', 'blue'] }, isOpen })).toEqual(['a']);
    expect(await idsOf(store, { color: { eq: null }, n: { lt: 2 } })).toEqual(['c']);
    await written(store, 1n, [{ kind: 'put', document: aThing('c', 'red'), position: 2n }]);
    expect(await idsOf(store, { color: { eq: 'red' } })).toEqual(['a', 'c']);
    await store.close();
  });
});
