import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha1 } from '../../../src/domain/kernel/sha1.ts';

const hexOf = (words: readonly number[]): string =>
  words.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');

const expected = (prefix: Uint8Array, text: string): string =>
  createHash('sha1').update(prefix).update(text, 'utf8').digest('hex');

describe('SHA-1', () => {
  it('is what the platform makes of the same bytes, whatever the text and its length', () => {
    const aPrefix = fc.uint8Array({ maxLength: 20 });
    const aText = fc.string({ unit: 'grapheme', maxLength: 300 });
    fc.assert(
      fc.property(aPrefix, aText, (prefix, text) => {
        expect(hexOf(sha1(prefix, text))).toBe(expected(prefix, text));
      }),
      { numRuns: 300 },
    );
  });

  it('is right at every length around the end of a block, and for long texts', () => {
    const lengths = [...Array.from({ length: 140 }, (_, length) => length), 1_000, 4_096, 100_000];
    for (const length of lengths) {
      const text = 'x'.repeat(length);
      expect(hexOf(sha1(new Uint8Array(16), text))).toBe(expected(new Uint8Array(16), text));
    }
  });
});
