import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecent } from '../../../src/domain/kernel/recent.ts';

const keysOf = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => `key-${from + n}`);

describe('what is kept of recent values', () => {
  it('is the last of them at least, and twice as many at most', () => {
    const recent = createRecent<string>(10);
    for (const key of keysOf(0, 100)) recent.set(key, key);
    for (const key of keysOf(90, 100)) expect(recent.get(key)).toBe(key);
    const kept = keysOf(0, 100).filter((key) => recent.get(key) !== undefined);
    expect(kept.length).toBeLessThanOrEqual(20);
  });

  it('keeps what is asked for again and again, whatever comes meanwhile', () => {
    const recent = createRecent<string>(10);
    recent.set('wanted', 'value');
    for (const key of keysOf(0, 100)) {
      recent.set(key, key);
      expect(recent.get('wanted')).toBe('value');
    }
  });

  it('is never another value than the one set last, and nothing after it was deleted or cleared', () => {
    const aKey = fc.constantFrom(...keysOf(0, 8));
    const anAction = fc.oneof(
      { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), key: aKey, value: fc.nat(9) }) },
      { weight: 8, arbitrary: fc.record({ do: fc.constant('get' as const), key: aKey, value: fc.constant(0) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key: aKey, value: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), key: aKey, value: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(anAction, { maxLength: 60 }), (actions) => {
        const recent = createRecent<number>(3);
        const all = new Map<string, number>();
        for (const { do: what, key, value } of actions) {
          if (what === 'set') {
            recent.set(key, value);
            all.set(key, value);
          } else if (what === 'get') {
            const found = recent.get(key);
            if (found !== undefined) expect(found).toBe(all.get(key));
          } else if (what === 'delete') {
            recent.delete(key);
            all.delete(key);
          } else {
            recent.clear();
            all.clear();
          }
        }
      }),
    );
  });
});
