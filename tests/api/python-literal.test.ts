import { describe, expect, it } from 'vitest';
import { parseLiteral } from '../../src/api/python-literal.ts';

describe('a filter value as a Python literal', () => {
  it.each([
    ['5', 5],
    ['-3', -3],
    ['+2', 2],
    ['1.5', 1.5],
    ['1e3', 1000],
    ['None', null],
    ['True', true],
    ['False', false],
    ["'it''s'", undefined],
    ["'a'", 'a'],
    ['"a\\n\\"b"', 'a\n"b'],
    ["[1, 'b', None]", [1, 'b', null]],
    ['(1, 2,)', [1, 2]],
    ['[]', []],
    ["{'k': 'v'}", { k: 'v' }],
    ['{"k": "v", "n": {"m": 1}}', { k: 'v', n: { m: 1 } }],
    [' {} ', {}],
    ["{'k': 'v'", undefined],
    ["{'k' 'v'}", undefined],
    ["{['k']: 'v'}", undefined],
    ['[1 2]', undefined],
    ["'open", undefined],
    ['available', undefined],
    ['Nonesuch', undefined],
    ['5abc', undefined],
    ['007', undefined],
    ['true', undefined],
    ['', undefined],
    ['['.repeat(20) + ']'.repeat(20), undefined],
  ])('%j is %j', (text, value) => {
    expect(parseLiteral(text)).toEqual(value);
  });

  it('keeps a key that names a prototype as a plain key', () => {
    const value = parseLiteral("{'__proto__': 'x'}");
    expect(Object.keys(value as object)).toEqual(['__proto__']);
  });
});
