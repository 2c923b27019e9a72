import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexesOf } from '../../../src/adapters/mongodb/collection-versions.ts';
import { connectMongo, type MongoConnection } from '../../../src/adapters/mongodb/connection.ts';
import { type Query, queriesOf } from '../../../src/adapters/mongodb/query.ts';
import { openMongoReadStore } from '../../../src/adapters/mongodb/read-store.ts';
import type { CollectionSpec, FindOptions, ReadStore, SortKey, Where } from '../../../src/ports/read-store.ts';
import { completeSort, createListing } from '../../../src/projections/listing.ts';
import { lists } from '../../projections/lists.ts';
import { createMemoryReadStore } from '../../projections/memory-read-store.ts';
import { mongoServer, type TestDatabase, testDatabase } from './server.ts';

interface Asked {
  readonly what: string;
  readonly projectId: string | null;
  readonly where?: Where;
  readonly sort?: readonly SortKey[];
}

const asked = ({ withinProject, acrossProjects, sorts }: (typeof lists)[number]): readonly Asked[] => [
  { what: 'its default order within a project', projectId: 'p1' },
  { what: 'its default order over all projects', projectId: null },
  ...withinProject.map((field) => ({
    what: `${field} within a project`,
    projectId: 'p1',
    where: { [field]: { eq: 'x' } },
  })),
  ...acrossProjects.map((field) => ({
    what: `${field} over all projects`,
    projectId: null,
    where: { [field]: { eq: 'x' } },
  })),
  ...sorts.flatMap((field) =>
    (['asc', 'desc'] as const).map((direction) => ({
      what: `the order of ${field}, ${direction}`,
      projectId: 'p1',
      sort: [{ field, direction }],
    })),
  ),
];

/** The first page, and one behind a document. */
function pagesOf({ projectId, where = {}, sort }: Asked): readonly FindOptions[] {
  const order = completeSort(sort);
  const scoped = projectId === null ? where : { ...where, projectId: { eq: projectId } };
  const first = { where: scoped, sort: order, limit: 20 };
  return [first, { ...first, after: Object.fromEntries(order.map(({ field }) => [field, 'm'])) }];
}

function keyOf(collection: CollectionSpec, options: Asked): Readonly<Record<string, unknown>> {
  const name = createListing(createMemoryReadStore(), collection).indexOf(options);
  const at = collection.indexes.findIndex((index) => index.name === name);
  // in front of the declared ones lies the index of tombstones
  const key = indexesOf(collection)[at + 1]?.key;
  if (at < 0 || key === undefined) throw new Error(`no index is named for ${options.what}`);
  return key as Readonly<Record<string, unknown>>;
}

/** Equality keys first, then the sort keys in the index's order and all in one direction. */
function expectServedBy(query: Query, key: Readonly<Record<string, unknown>>, what: string): void {
  const filter = query.filter as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const paths = Object.keys(key);
  const equal = (path: string | undefined): boolean =>
    path !== undefined && filter[path] !== undefined && '$eq' in filter[path];
  let led = 0;
  while (equal(paths[led])) led += 1;
  const sort = query.sort as [string, number][];
  expect(
    sort.map(([path]) => path),
    what,
  ).toEqual(paths.slice(led, led + sort.length));
  expect(new Set(sort.map(([, direction]) => direction)).size, what).toBeLessThanOrEqual(1);
  const others = Object.keys(filter).filter((path) => !equal(path));
  for (const path of others) expect(path, `${what}: a range starts where the equal keys end`).toBe(paths[led]);
}

for (const list of lists) {
  describe(`the list of ${list.collection.name} on MongoDB`, () => {
    it('needs no more indexes than a collection can have', () => {
      expect(indexesOf(list.collection).length).toBeLessThan(64);
    });

    for (const options of asked(list)) {
      it(`reads ${options.what} along the index it names`, () => {
        const key = keyOf(list.collection, options);
        for (const page of pagesOf(options)) {
          const queries = queriesOf(page);
          expect(queries.length).toBeGreaterThan(0);
          for (const query of queries) expectServedBy(query, key, `${options.what}: ${JSON.stringify(query)}`);
        }
      });
    }
  });
}

const server = mongoServer();
const why = server.standIn ? 'the stand-in has no explain' : server.reason;

describe.skipIf(server.url === null || server.standIn)(`what the server says of these queries (${why})`, () => {
  let database: TestDatabase;
  let store: ReadStore;
  let mongo: MongoConnection;

  beforeAll(async () => {
    database = testDatabase();
    store = await openMongoReadStore({ ...database, clock: { now: Date.now } });
    mongo = await connectMongo(database);
    for (const { collection } of lists) await store.ensure(collection);
  });
  afterAll(async () => {
    await store.close();
    await mongo.close();
    await database.drop();
  });

  for (const list of lists) {
    it(`each list of ${list.collection.name} reads its index and sorts nothing`, async () => {
      const documents = mongo.db.collection(`${list.collection.name}@${list.collection.version}`);
      for (const options of asked(list)) {
        for (const { filter, sort } of pagesOf(options).flatMap(queriesOf)) {
          const plan = JSON.stringify(
            await documents
              .find(filter as object, { sort })
              .limit(20)
              .explain('queryPlanner'),
          );
          expect(plan, options.what).toContain('IXSCAN');
          expect(plan, options.what).not.toContain('"stage":"SORT"');
          expect(plan, options.what).not.toContain('COLLSCAN');
        }
      }
    });
  }
});
