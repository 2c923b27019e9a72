import { describe, expect, it } from 'vitest';
import { answerQuery } from '../../../src/domain/placement/json-query.ts';

const state = {
  backend_id: 'alpha@file#one',
  free_capacity_gb: 100,
  total_capacity_gb: 200,
  multiattach: true,
  cluster_name: null,
  zero: 0,
  tags: ['ssd', ''],
  none: [],
  capabilities: { tier: 'gold', empty: {}, nested: { rpm: 7200 } },
};

const answer = (query: unknown): unknown => answerQuery(JSON.stringify(query), state);

describe('a query', () => {
  it.each<[unknown]>([
    [['=', '$backend_id', 'alpha@file#one']],
    [['=', '$free_capacity_gb', 100, 100]],
    [['=', '$multiattach', 1]],
    [['<', '$free_capacity_gb', '$total_capacity_gb']],
    [['<', 'abc', 'abd']],
    [['>', '$free_capacity_gb', 50, 99]],
    [['>', 'abd', 'abc']],
    [['<=', '$free_capacity_gb', 100]],
    [['>=', '$free_capacity_gb', 100]],
    [['in', '$capabilities.tier', 'silver', 'gold']],
    [['=', '$capabilities.nested.rpm', 7200]],
    [['not', ['=', 1, 2]]],
    [['not', ['=', 1, 1], ['=', 1, 2]]],
    [['or', ['=', 1, 2], ['=', 1, 1]]],
    [['and', ['=', 1, 1], ['>', 2, 1]]],
    [['and', ['not', ['=', 1, 2]], true]],
    [['not', ['not', true]]],
    [['and', '$tags', '$capabilities', 'text', 5]],
    [['and']],
    [['=', '$nothing', 5, 5]],
    [['=', '', 5, 5]],
    [[]],
    [0],
    [null],
  ])('%j passes', (query) => {
    expect(answer(query)).toEqual({ kind: 'answer', passes: true });
  });

  it.each<[unknown]>([
    [['=', '$backend_id', 'beta@file#one']],
    [['=', 1, 1, 2]],
    [['=', 1]],
    [['=', 'a', 1]],
    [['<', 100, '$free_capacity_gb']],
    [['>', 1, 1]],
    [['<=', 2, 1]],
    [['>=', 1, 2]],
    [['<', 'abd', 'abc']],
    [['<', 'abc', 'abc']],
    [['in', '$capabilities.tier', 'silver']],
    [['in', '$capabilities.tier']],
    [['=', 'iSCSI', '$tags']],
    [['not', ['=', 1, 1]]],
    [['not']],
    [['and', ['not', ['=', 1, 1]], true]],
    [['or']],
    [['or', '$none', '$capabilities.empty', '$zero', ['=', 1, 2]]],
    [['and', ['=', 1, 1], false]],
    [['=', '$nothing', 5]],
    [['=', '$cluster_name', 5]],
    [['=', '$constructor', 5]],
    [['=', '$backend_id.length', 14]],
  ])('%j does not pass', (query) => {
    expect(answer(query)).toEqual({ kind: 'answer', passes: false });
  });

  it.each<[string, unknown, string]>([
    ['not a text', ['=', 1, 1], 'the query is not a JSON text'],
    ['not JSON', '[=, 1]', 'the query is not valid JSON'],
    ['a text in JSON', '"=x"', 'the query is not a list'],
    ['an object', '{"=": 1}', 'the query is not a list'],
    ['an unknown operator', '["~", 1, 1]', 'the query has no operator "~"'],
    ['a list where an operator should be', '[["="], 1]', 'the query has no operator ["="]'],
    ['a number compared with a text', '["<", "$free_capacity_gb", "7"]', '100 and "7" cannot be compared'],
    ['a text compared with a number', '[">=", "x", 7]', '"x" and 7 cannot be compared'],
    ['nested beyond reason', `${'["not", '.repeat(5_000)}true${']'.repeat(5_000)}`, 'the query is nested too deeply'],
  ])('that is %s is an error', (_, query, reason) => {
    expect(answerQuery(query, state)).toEqual({ kind: 'error', reason });
  });

  it.each([[undefined], [null], ['']])('that is %j passes', (query) => {
    expect(answerQuery(query, state)).toEqual({ kind: 'answer', passes: true });
  });

  it('passes on what is not an error of the query', () => {
    const broken = {
      get x(): never {
        throw new TypeError('broken');
      },
    };
    expect(() => answerQuery('["=", "$x", 1]', broken)).toThrow(TypeError);
  });
});
