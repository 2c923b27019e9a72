import { describe, expect, it } from 'vitest';
import { evaluateExpression, isTruthy } from '../../../src/domain/placement/expression.ts';

const variables = {
  stats: {
    free_capacity_gb: 10.75,
    total_capacity_gb: 100,
    host: 'alpha@file#one',
    cluster_name: null,
    spellings: ['a', 'b'],
  },
  capabilities: { multiattach: true, thin: false, quoted: 'it\'s "so"' },
  extra: { iops: '1500', share: '0.5', word: 'gold', infinite: 'infinite' },
  qos: {},
  volume: { size: 4 },
};

const resultOf = (source: string): unknown => {
  const evaluation = evaluateExpression(source, variables);
  return evaluation.kind === 'value' ? evaluation.value : evaluation;
};

describe('an expression', () => {
  it.each<[string, unknown]>([
    // numbers and arithmetic
    ['1+1', 2],
    ['872 - 453 + 44 / 22 * 4 + 66', 493],
    ['10/4+0.75    + 2', 5.25],
    ['5+-2', 3],
    ['2*-3', -6],
    ['--2', 2],
    ['+3', 3],
    ['1 - -1', 2],
    ['7 - 2 - 1', 4],
    ['16 / 4 / 2', 2],
    // power: to the right, tighter than a sign
    ['2^3', 8],
    ['2^3^2', 512],
    ['-2 ^ 2', -4],
    ['4 ^ 1.5', 8],
    ['2 * (3 + 4) ^ 2', 98],
    ['max(1,2)^2', 4],
    // functions
    ['abs(-5)', 5],
    ['-abs(-5)', -5],
    ['min(3,1,2)', 1],
    ['max(1, 100)', 100],
    ['max(min(5, 7), 3)', 5],
    ['max(1 == 2, 1 == 1)', true],
    ['min(1 == 1, 7)', true],
    ['(((1 + max(1 + (10 / 20), 2, 3)) / 100) + 1)', 1.04],
    // comparisons, chained; not is tighter
    ['1 < 2', true],
    ['2 <= 2', true],
    ['3 > 2 > 2', false],
    ['1 < 2 < 3', true],
    ['1 < 2 == 2 > 1', true],
    ['2 >= 3', false],
    ['2 != 1', true],
    ['2 <> 2', false],
    ['(1 == 1) == !(1 == 2)', true],
    ['(1 == 1) == 1', true],
    ['! 1 == 2', false],
    ['not not 5', true],
    ['NOT 0', true],
    // the ternary lies between comparison and and
    ['1 < 2 ? 5 : 10', 5],
    ['1 > 2 ? 5 : 10', 10],
    ['1 == 1 ? 5 : 6 and 0', 0],
    ['0 ? 1 : 0 ? 2 : 3', 3],
    ['0 ? 1/0 : 3', 3],
    // and is tighter than or; both give the operand that decides
    ['1 == 1 or 1 == 1 and 1 == 2', true],
    ['0 AND 0 OR 7', 7],
    ['1 && 6', 6],
    ['0 || 7', 7],
    ['0 and 5', 0],
    ['3 or 5', 3],
    ['1 == 1 and 1 == 1 and 1 == 2', false],
    ['1 == 2 or 1 == 2 or 1 == 1', true],
    // texts
    ['\'abc\' == "abc"', true],
    ["'abc' < 'abd'", true],
    ["'abd' < 'abc'", false],
    ["'abc' <= 'abc'", true],
    ["'a' != 1", true],
    ["'10' == 10", false],
    ["'it\\'s'", 'it\\s'],
    ["''", ''],
    // variables
    ['stats.free_capacity_gb * 2', 21.5],
    ['stats.total_capacity_gb - volume.size', 96],
    ['extra.iops + 1', 1501],
    ['extra.share', 0.5],
    ['extra.word == gold', true],
    ["extra.word == 'gold'", true],
    ["stats.host == 'alpha@file#one'", true],
    ['capabilities.multiattach == 1', true],
    ['capabilities.multiattach ? 90 : 10', 90],
    ['capabilities.thin ? 90 : 10', 10],
    ['capabilities.quoted', 'its so'],
    ['a.b.c', 'a.b.c'],
    ['(stats.free_capacity_gb > 5) * 50 + (volume.size < 2) * 50', 50],
    ['stats.free_capacity_gb > 5 and volume.size < 10  ', true],
  ])('%s gives %j', (source, expected) => {
    expect(resultOf(source)).toStrictEqual(expected);
  });

  it.each<[string, string]>([
    ['', 'expected a value, found the end at position 0'],
    ['1/*1', 'expected a value, found * at position 2'],
    ['5 and', 'expected a value, found the end at position 5'],
    ['(1', 'expected ), found the end at position 2'],
    ['1 ? 2', 'expected :, found the end at position 5'],
    ['1 2', 'expected an operator, found 2 at position 1'],
    ['2^-3', 'expected a value, found - at position 2'],
    ['1 + not 1', 'expected a value, found ! at position 3'],
    ['1,2', 'expected an operator, found , at position 1'],
    ['1 = 1', 'unexpected character after position 1'],
    ['stats.iops2', 'expected an operator, found 2 at position 10'],
    ['7 / 0', 'division by zero'],
    ['0 and 1/0', 'division by zero'],
    ['0^(0-1)', '0 ^ -1 is not a number'],
    ['foo.bar + 5', 'foo.bar is not known'],
    ['stats.bob + 5', 'stats.bob is not known'],
    ['qos.constructor', 'qos.constructor is not known'],
    ['stats.cluster_name == 1', 'stats.cluster_name is neither a number nor a text'],
    ['stats.spellings == 1', 'stats.spellings is neither a number nor a text'],
    ['extra.infinite > 5', "the text 'infinite' is not a number"],
    ['extra.word * 2', "the text 'gold' is not a number"],
    ['-extra.word', "the text 'gold' is not a number"],
    ['max(5)', 'there is no function max of 1 arguments'],
    ['min(5)', 'there is no function min of 1 arguments'],
    ['abs(1,2)', 'there is no function abs of 2 arguments'],
    ['eval(1)', 'there is no function eval of 1 arguments'],
    ['constructor(1, 2)', 'there is no function constructor of 2 arguments'],
    [`${'('.repeat(101)}1${')'.repeat(101)}`, 'the expression is nested too deeply'],
    [`1${'+1'.repeat(1_000)}`, 'the expression is too long'],
  ])('%s is an error', (source, reason) => {
    expect(evaluateExpression(source, variables)).toEqual({ kind: 'error', reason });
  });

  it('reads the longest that it accepts without running out of stack', () => {
    expect(resultOf(`1${'+1'.repeat(999)}`)).toBe(1_000);
    expect(resultOf(`${'-'.repeat(1_998)}5`)).toBe(5);
    expect(resultOf(`${'('.repeat(100)}1${')'.repeat(100)}`)).toBe(1);
    expect(resultOf(`1${'^1'.repeat(999)}`)).toBe(1);
    expect(resultOf(`${'0?1:'.repeat(499)}3`)).toBe(3);
  });

  it('passes on what is not an error of the expression', () => {
    const broken = {
      stats: {
        get x(): never {
          throw new TypeError('broken');
        },
      },
    };
    expect(() => evaluateExpression('stats.x', broken)).toThrow(TypeError);
  });

  it.each<[number | string | boolean, boolean]>([
    [true, true],
    [false, false],
    [0, false],
    [0.1, true],
    ['', false],
    ['0', true],
  ])('%j is true: %s', (value, expected) => {
    expect(isTruthy(value)).toBe(expected);
  });
});
