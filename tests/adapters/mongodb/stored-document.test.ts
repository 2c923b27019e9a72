import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { BSON } from 'mongodb';
import { describe, expect, it } from 'vitest';
import {
  readDocument,
  type StoredDocument,
  storedDocument,
  storedKey,
} from '../../../src/adapters/mongodb/stored-document.ts';
import type { Document } from '../../../src/ports/read-store.ts';

/** As the driver sends and receives it. */
const throughBson = (stored: StoredDocument): StoredDocument =>
  BSON.deserialize(BSON.serialize(stored, { ignoreUndefined: true }), { useBigInt64: true }) as StoredDocument;

const oddKey = fc.oneof(
  fc.constantFrom('', '$set', 'a.b', '%', '%2E', '\0', '_bsontype', '__proto__', '$ref', '0', 'constructor', 'é'),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'grapheme', maxLength: 5 }),
    fc.integer({ min: -3_000_000_000, max: 3_000_000_000 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(oddKey, tie('value')), { maxLength: 3 }).map(Object.fromEntries),
  ),
})).value;

describe('a document in MongoDB', () => {
  it('comes back as it was, whatever its keys and values', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(oddKey, json), { maxLength: 5 }), (fields) => {
        const document = { ...(Object.fromEntries(fields) as object), id: 'a' } as Document;
        const stored = throughBson(storedDocument(document, 9_007_199_254_740_993n));
        expect(stored.position).toBe(9_007_199_254_740_993n);
        // by node: the matcher takes a field named `constructor` for a class
        expect(isDeepStrictEqual(readDocument(stored), document)).toBe(true);
      }),
    );
  });

  it('has no key that a server or the driver takes for something else', () => {
    fc.assert(
      fc.property(oddKey, (key) => {
        const stored = storedKey(key);
        expect(stored).not.toMatch(/[.$\0]/);
        expect(stored).not.toBe('');
        expect(stored).not.toBe('_bsontype');
      }),
    );
  });

  it('has different keys where it had different keys', () => {
    fc.assert(
      fc.property(oddKey, oddKey, (one, other) => {
        expect(storedKey(one) === storedKey(other)).toBe(one === other);
      }),
    );
  });

  it('that was deleted is nothing', () => {
    expect(readDocument({ _id: 'a', live: false, position: 5n, deletedAt: 1 })).toBeNull();
  });
});
