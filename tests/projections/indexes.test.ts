import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqliteReadStore } from '../../src/adapters/sqlite/read-store.ts';
import { fieldsOf, fieldValue, tableOf } from '../../src/adapters/sqlite/read-store-layout.ts';
import { queriesOf } from '../../src/adapters/sqlite/read-store-query.ts';
import type { CollectionSpec, Document, FindOptions, ReadStore, SortKey, Where } from '../../src/ports/read-store.ts';
import { completeSort, createListing, type Listing } from '../../src/projections/listing.ts';
import { volumeTypesCollection } from '../../src/projections/volume-types.ts';
import { volumesCollection } from '../../src/projections/volumes.ts';
import { lists } from './lists.ts';

let directory: string;
let readStore: ReadStore;
let database: DatabaseSync;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'scoria-indexes-'));
  const file = join(directory, 'read.db');
  readStore = await openSqliteReadStore({ file });
  for (const { collection } of lists) await readStore.ensure(collection);
  await readStore.ensure(volumeTypesCollection);
  database = new DatabaseSync(file, { readOnly: true });
});

afterAll(async () => {
  database.close();
  await readStore.close();
  await rm(directory, { recursive: true });
});

/** What SQLite says it does for a query. */
function planOf(collection: CollectionSpec, options: FindOptions): readonly string[] {
  const columns = new Set(fieldsOf(collection));
  const inSql = (field: string) => fieldValue(field, columns);
  const [query] = queriesOf(tableOf(collection.name, collection.version), options, inSql);
  if (query === undefined) throw new Error('there is no query');
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${query.text}`).all(...query.parameters, 20, 0);
  return rows.map(({ detail }) => String(detail));
}

/** The plan reads the index that the list names, and sorts nothing. */
function expectServed(
  collection: CollectionSpec,
  options: { projectId: string | null; where?: Where; sort?: readonly SortKey[] },
): void {
  const listing: Listing<Document> = createListing(readStore, collection);
  const name = listing.indexOf(options);
  const { projectId, where = {}, sort } = options;
  const what = JSON.stringify(options);
  expect(name, `no index serves ${what}`).not.toBeNull();
  const fields = collection.indexes.find((index) => index.name === name)?.fields ?? [];
  const plan = planOf(collection, {
    where: projectId === null ? where : { ...where, projectId: { eq: projectId } },
    sort: completeSort(sort),
  });
  expect(plan, `${what} should read ${name}`).toEqual([
    expect.stringContaining(`${collection.name}@${collection.version} ${fields.join(', ')}`),
  ]);
}

/** The plan reads some index of the project; a range in another order than its own has to be sorted. */
function expectIndexed(collection: CollectionSpec, where: Where): void {
  const listing: Listing<Document> = createListing(readStore, collection);
  expect(listing.indexOf({ projectId: 'p1', where })).not.toBeNull();
  const [first] = planOf(collection, { where: { ...where, projectId: { eq: 'p1' } }, sort: completeSort() });
  expect(first).toMatch(/^SEARCH .* USING INDEX/);
}

for (const { collection, withinProject, acrossProjects, ranges, sorts } of lists) {
  describe(`the list of ${collection.name}`, () => {
    it('pages through its default order by an index', () => {
      expectServed(collection, { projectId: 'p1' });
      expectServed(collection, { projectId: null });
    });

    for (const field of withinProject) {
      it(`finds ${field} within a project by the index it names`, () => {
        expectServed(collection, { projectId: 'p1', where: { [field]: { eq: 'x' } } });
      });
    }

    for (const field of acrossProjects) {
      it(`finds ${field} over all projects by the index it names`, () => {
        expectServed(collection, { projectId: null, where: { [field]: { eq: 'x' } } });
      });
    }

    for (const field of sorts) {
      it(`is sorted by ${field} in either direction by the index it names`, () => {
        for (const direction of ['asc', 'desc'] as const) {
          expectServed(collection, { projectId: 'p1', sort: [{ field, direction }] });
        }
      });
    }

    for (const field of ranges) {
      it(`finds a range of ${field} by an index`, () => {
        expectIndexed(collection, { [field]: { gt: 5 } });
      });
    }
  });
}

describe('the list of volume types', () => {
  it('finds a name and what is public by the index it names', () => {
    expectServed(volumeTypesCollection, { projectId: null });
    expectServed(volumeTypesCollection, { projectId: null, where: { name: { eq: 'fast' } } });
    expectServed(volumeTypesCollection, { projectId: null, where: { isPublic: { eq: true } } });
  });
});

describe('the index that serves a list', () => {
  const listing = () => createListing<Document>(readStore, volumesCollection);

  it('is the one that keeps the order where there is one', () => {
    expect(listing().indexOf({ projectId: 'p1' })).toBe('project');
    expect(listing().indexOf({ projectId: 'p1', where: { status: { eq: 'error' } } })).toBe('project_status');
    expect(listing().indexOf({ projectId: 'p1', sort: [{ field: 'name', direction: 'asc' }] })).toBe('project_name');
    expect(listing().indexOf({ projectId: null, where: { host: { eq: 'h' } } })).toBe('all_host');
  });

  it('is at least that of the project where the field has none', () => {
    expect(listing().indexOf({ projectId: 'p1', where: { description: { eq: 'x' } } })).toBe('project');
  });

  it('is none where everybody is looked through in an order of no index', () => {
    expect(listing().indexOf({ projectId: null, sort: [{ field: 'description', direction: 'asc' }] })).toBeNull();
  });
});
