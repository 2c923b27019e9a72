import { describe, expect, it } from 'vitest';
import { createMemo } from '../../src/api/memo.ts';

describe('what is kept with an object', () => {
  const memo = createMemo<{ readonly id: string }, string>();

  it('is found by that object only, and is the last that was kept', () => {
    const [one, other] = [{ id: 'a' }, { id: 'a' }];
    memo.keep(one, 'first');
    memo.keep(one, 'second');
    expect([memo.of(one), memo.of(other)]).toEqual(['second', undefined]);
  });

  it('goes with no copy of the object, and is not written out', () => {
    const one = { id: 'a' };
    memo.keep(one, 'kept');
    expect(memo.of({ ...one })).toBeUndefined();
    expect(memo.of(Object.assign({ id: 'b' }, one))).toBeUndefined();
    expect(memo.of(structuredClone(one))).toBeUndefined();
    expect([Object.keys(one), JSON.stringify(one)]).toEqual([['id'], '{"id":"a"}']);
  });

  it('is not what another memo keeps', () => {
    const one = { id: 'a' };
    const others = createMemo<{ readonly id: string }, string>();
    memo.keep(one, 'mine');
    expect(others.of(one)).toBeUndefined();
  });
});
