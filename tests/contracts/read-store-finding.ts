import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Document, FindOptions, ReadStore, Scalar, SortKey, Where } from '../../src/ports/read-store.ts';
import type { ReadStoreTraits } from './read-store.ts';
import { aCollection, put } from './read-store-fixtures.ts';
import { findIn, matches, valueAt } from './read-store-reference.ts';

const documents: readonly Document[] = [
  {
    id: 'a',
    name: 'Alpha',
    size: 10,
    on: true,
    zone: null,
    tags: { tier: 'gold', 'a.b"$c': 'x' },
    nested: { deep: 'one' },
  },
  { id: 'b', name: 'beta', size: 2, on: false, zone: 'nova', tags: { tier: 'gold' }, nested: { deep: 'two' } },
  { id: 'c', name: 'al%pha_*', size: null, on: true, zone: 'nova', tags: {}, nested: null },
  { id: 'd', name: null, size: 2.5, on: false, tags: { tier: 'silver' } },
  { id: 'e', name: '', size: -1, on: true, zone: 'east', tags: { tier: '5', n: 5 }, nested: { deep: null } },
];

/** Part of the read store's contract: filters, order and pages. */
export function describeFinding(
  storeOf: () => ReadStore,
  { textBeyondBmp = true, propertyRuns = 150 }: ReadStoreTraits = {},
): void {
  const text = textBeyondBmp
    ? fc.constantFrom(...TEXTS)
    : fc.constantFrom(...TEXTS.filter((one) => one !== BEYOND_BMP));
  const { someDocuments, someWhere } = arbitraries(text);
  describe('finding', () => {
    let name: string;
    beforeAll(async () => {
      const collection = await aCollection(storeOf(), [['zone', 'name'], ['size']]);
      name = collection.name;
      await collection.write(...documents.map((document) => put(document)));
    });

    const ids = async (options: FindOptions): Promise<string> =>
      (await storeOf().find(name, options)).map((document) => document.id).join('');

    it.each<[string, Where, string]>([
      ['equal text', { name: { eq: 'beta' } }, 'b'],
      ['equal text, exactly as it is written', { name: { eq: 'alpha' } }, ''],
      ['equal number', { size: { eq: 2.5 } }, 'd'],
      ['equal boolean', { on: { eq: true } }, 'ace'],
      ['false', { on: { eq: false } }, 'bd'],
      ['null, or not there', { zone: { eq: null } }, 'ad'],
      ['not null', { zone: { ne: null } }, 'bce'],
      ['not equal, null included', { zone: { ne: 'nova' } }, 'ade'],
      ['one of some', { zone: { in: ['nova', 'west'] } }, 'bc'],
      ['one of some or null', { zone: { in: ['east', null] } }, 'ade'],
      ['one of none', { zone: { in: [] } }, ''],
      ['one of some booleans', { on: { in: [false] } }, 'bd'],
      ['less, never null', { size: { lt: 2.5 } }, 'be'],
      ['less or equal', { size: { lte: 2.5 } }, 'bde'],
      ['greater', { size: { gt: 2 } }, 'ad'],
      ['greater or equal, of text', { name: { gte: 'al%' } }, 'bc'],
      ['between', { size: { gt: -1, lt: 10 } }, 'bd'],
      ['containing, in its case', { name: { contains: 'pha' } }, 'ac'],
      ['containing a capital', { name: { contains: 'Al' } }, 'a'],
      ['containing what other languages take for wildcards', { name: { contains: '%' } }, 'c'],
      ['containing an underscore and a star', { name: { contains: '_*' } }, 'c'],
      ['containing a dot that stands for itself', { name: { contains: 'l.h' } }, ''],
      ['with a pair', { tags: { hasPairs: { tier: 'gold' } } }, 'ab'],
      ['with every pair', { tags: { hasPairs: { tier: 'gold', 'a.b"$c': 'x' } } }, 'a'],
      ['with a pair whose value is text, not the number', { tags: { hasPairs: { n: '5' } } }, ''],
      ['with a pair that nobody has', { tags: { hasPairs: { other: 'gold' } } }, ''],
      ['inside an object', { 'nested.deep': { eq: 'two' } }, 'b'],
      ['null inside an object, or no object', { 'nested.deep': { eq: null } }, 'cde'],
      ['by id', { id: { in: ['e', 'a', 'x'] } }, 'ae'],
      ['all conditions at once', { zone: { eq: 'nova' }, on: { eq: true }, name: { ne: null } }, 'c'],
      ['no condition', {}, 'abcde'],
    ])('finds by %s', async (_, where, expected) => {
      expect(await ids({ where })).toBe(expected);
      expect(await storeOf().count(name, where)).toBe(expected.length);
    });

    it.each<[string, readonly SortKey[], string]>([
      ['text by code point, null first', [{ field: 'name', direction: 'asc' }], 'deacb'],
      ['descending, null last', [{ field: 'size', direction: 'desc' }], 'adbec'],
      [
        'by two fields in two directions',
        [
          { field: 'zone', direction: 'desc' },
          { field: 'size', direction: 'asc' },
        ],
        'cbeda',
      ],
      ['equal values by id', [{ field: 'on', direction: 'desc' }], 'acebd'],
      [
        'id in the direction it is given',
        [
          { field: 'on', direction: 'asc' },
          { field: 'id', direction: 'desc' },
        ],
        'dbeca',
      ],
      ['by nothing but id', [], 'abcde'],
    ])('sorts %s', async (_, sort, expected) => {
      expect(await ids({ sort })).toBe(expected);
    });

    it('gives what lies behind a document, then skips, then stops', async () => {
      const sort: readonly SortKey[] = [{ field: 'size', direction: 'asc' }];
      expect(await ids({ sort })).toBe('cebda');
      expect(await ids({ sort, after: { size: -1, id: 'e' } })).toBe('bda');
      expect(await ids({ sort, after: { size: null, id: 'c' } })).toBe('ebda');
      expect(await ids({ sort, after: { size: null, id: 'c' }, limit: 2 })).toBe('eb');
      expect(await ids({ sort, after: { size: null, id: 'c' }, offset: 1, limit: 2 })).toBe('bd');
      expect(await ids({ sort, offset: 3 })).toBe('da');
      expect(await ids({ sort, offset: 9 })).toBe('');
      expect(await ids({ sort, limit: 0 })).toBe('');
      expect(await ids({ sort, after: { size: 3, id: 'gone' } })).toBe('a');
    });

    it('goes on behind a document in the order of the field that is searched for a text', async () => {
      const options: FindOptions = { where: { name: { contains: '' } }, sort: [{ field: 'name', direction: 'asc' }] };
      const all = await storeOf().find(name, options);
      expect(all.length).toBeGreaterThan(2);
      expect(await byPages(storeOf(), name, options, 1)).toEqual(all);
    });

    it('counts and sums what matches', async () => {
      expect(await storeOf().count(name)).toBe(5);
      expect(await storeOf().sum(name, 'size')).toBe(13.5);
      expect(await storeOf().sum(name, 'size', { zone: { eq: 'nova' } })).toBe(2);
      expect(await storeOf().sum(name, 'size', { zone: { eq: 'nowhere' } })).toBe(0);
    });

    it('agrees with a plain array, whatever the documents, filters, orders and pages', async () => {
      let run = 0;
      const collection = await aCollection(storeOf(), [
        ['run', 'name', 'size'],
        ['run', 'nested.zone'],
      ]);
      await fc.assert(
        fc.asyncProperty(
          someDocuments,
          someWhere,
          someSort,
          fc.integer({ min: 1, max: 4 }),
          async (drawn, where, sort, limit) => {
            run += 1;
            const mine = drawn.map((document, n) => ({ ...document, id: `${run}-${document.id}${n}`, run }));
            await collection.write(...mine.map((document) => put(document)));
            const options = { where: { run: { eq: run }, ...where }, sort };
            const expected = findIn(mine, options);
            expect(await storeOf().find(collection.name, options)).toEqual(expected);
            expect(await storeOf().count(collection.name, options.where)).toBe(
              mine.filter((one) => matches(one, where)).length,
            );
            expect(await byPages(storeOf(), collection.name, options, limit)).toEqual(expected);
          },
        ),
        // a counterexample is told within the test's time, however small it might still become
        { numRuns: propertyRuns, interruptAfterTimeLimit: 30_000, markInterruptAsFailure: true },
      );
    });
  });
}

/** More than any of these searches can find. */
const MOST_FOUND = 100;

/** Reads page by page, each starting behind the last document of the page before. */
async function byPages(store: ReadStore, collection: string, options: FindOptions, limit: number): Promise<Document[]> {
  const found: Document[] = [];
  for (let after: Readonly<Record<string, Scalar>> | undefined; ; ) {
    const page = await store.find(collection, { ...options, limit, ...(after === undefined ? {} : { after }) });
    found.push(...page);
    if (found.length > MOST_FOUND) throw new Error(`pages without end: ${JSON.stringify(found.slice(0, 12))}`);
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return found;
    const keys = [...(options.sort ?? []).map((key) => key.field), 'id'];
    after = Object.fromEntries(keys.map((field) => [field, valueAt(last, field) as Scalar]));
  }
}

/** Before the ligature in UTF-16 units, behind it by code point. */
const BEYOND_BMP = '𝒳';
const TEXTS = ['', 'a', 'A', 'ab', 'b', 'é', 'ﬀ', BEYOND_BMP];
const number = fc.constantFrom(-1, 0, 0.5, 1, 2, 10);
const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { nil: null, freq: 3 });

/** Documents and filters whose texts are drawn from `text`. */
function arbitraries(text: fc.Arbitrary<string>) {
  const someDocuments = fc.array(
    fc.record({
      id: fc.constantFrom('a', 'B', 'c'),
      name: orNull(text),
      size: orNull(number),
      on: fc.boolean(),
      nested: fc.option(fc.record({ zone: orNull(text) }), { nil: null }),
    }),
    { maxLength: 12 },
  );

  const textCondition = fc.oneof(
    fc.record({ eq: orNull(text) }),
    fc.record({ ne: orNull(text) }),
    fc.record({ in: fc.array(orNull(text), { maxLength: 3 }) }),
    fc.record({ gte: text }),
    fc.record({ gt: text, lte: text }),
    fc.record({ contains: text }),
  );

  const someWhere: fc.Arbitrary<Where> = fc.record(
    {
      name: textCondition,
      size: fc.oneof(
        fc.record({ eq: orNull(number) }),
        fc.record({ lt: number }),
        fc.record({ gte: number, ne: number }),
      ),
      on: fc.record({ eq: fc.boolean() }),
      'nested.zone': textCondition,
    },
    { requiredKeys: [] },
  );
  return { someDocuments, someWhere };
}

const someSort: fc.Arbitrary<readonly SortKey[]> = fc.uniqueArray(
  fc.record({
    field: fc.constantFrom('name', 'size', 'on', 'nested.zone'),
    direction: fc.constantFrom('asc' as const, 'desc' as const),
  }),
  { selector: (key) => key.field, maxLength: 3 },
);
