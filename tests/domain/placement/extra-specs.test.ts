import { describe, expect, it } from 'vitest';
import { matchesSpec, unmetSpec } from '../../../src/domain/placement/extra-specs.ts';

describe('an extra spec without an operator', () => {
  it.each<[unknown, string, boolean]>([
    ['file', 'file', true],
    ['file', 'File', false],
    [true, 'True', false],
    [10, '10', false],
    ['', '', true],
    ['two words', 'two words', true],
    ['<any> x', '<any> x', true],
    [null, 'None', false],
    ['  ', '  ', true],
  ])('capability %j and value %j: %s', (capability, wanted, expected) => {
    expect(matchesSpec(capability, wanted)).toBe(expected);
  });
});

describe('an operator of an extra spec', () => {
  it.each<[unknown, string, boolean]>([
    // = means at least
    [10, '= 10', true],
    [11, '= 10', true],
    [9.5, '= 10', false],
    ['11', '= 10', true],
    [true, '= 1', true],
    [' 11 ', '= 1e1', true],
    ['-inf', '= 10', false],
    ['inf', '= 10', true],
    ['infinite', '= 10', false],
    [Number.NaN, '= 10', false],
    [10, '= ten', false],
    [{}, '= 10', false],
    [10, '=', false],
    // only the first word after the operator counts
    [10, '= 10 99', true],
    // numbers
    [10, '== 10.0', true],
    [10, '== 11', false],
    [10, '!= 11', true],
    [10, '!= 10', false],
    ['x', '!= 10', false],
    [10, '>= 10', true],
    [9, '>= 10', false],
    [10, '<= 10', true],
    [11, '<= 10', false],
    // part of
    ['abcdef', '<in> cde', true],
    ['abcdef', '<in> xyz', false],
    [['a', 'b'], '<in> b', true],
    [['a', 'b'], '<in> c', false],
    [{ ssd: null }, '<in> ssd', true],
    [{ ssd: 1 }, '<in> hdd', false],
    [5, '<in> 5', false],
    // booleans
    [true, '<is> True', true],
    [true, '<is> yes', true],
    ['on', '<is> true', true],
    [1, '<is> t', true],
    [false, '<is> False', true],
    ['whatever', '<is> no', true],
    [false, '<is> True', false],
    [true, '<is>', false],
    // texts
    ['abc', 's== abc', true],
    ['abc', 's== abd', false],
    [5, 's== 5', false],
    ['abc', 's!= abd', true],
    ['abc', 's!= abc', false],
    ['abc', 's< abd', true],
    ['abd', 's< abd', false],
    ['abd', 's<= abd', true],
    ['abe', 's<= abd', false],
    ['abe', 's> abd', true],
    ['abd', 's> abd', false],
    ['abd', 's>= abd', true],
    ['abc', 's>= abd', false],
    [5, 's> 4', false],
    // any of
    ['b', '<or> a <or> b', true],
    ['b', '<or> b <or> a', true],
    ['c', '<or> a <or> b', false],
    ['b', '<or> a b', false],
    ['a', '<or>', false],
    // null never matches
    [null, '= 1', false],
    [null, '<is> False', false],
    [null, 's!= x', false],
    [null, '<or> None', false],
  ])('capability %j and value %j: %s', (capability, wanted, expected) => {
    expect(matchesSpec(capability, wanted)).toBe(expected);
  });
});

describe('the extra specs of a type', () => {
  const capabilities = {
    volume_backend_name: 'fast',
    storage_protocol: ['iSCSI', 'iscsi'],
    multiattach: true,
    nested: { ssd: { rpm: 0 } },
    missing: null,
  };

  it.each<[string, Record<string, string>]>([
    ['there are none', {}],
    ['an unscoped key is looked up as it is', { volume_backend_name: 'fast' }],
    ['the scope capabilities is dropped', { 'capabilities:volume_backend_name': 'fast' }],
    ['the rest of a scoped key is walked', { 'capabilities:nested:ssd:rpm': '<= 0' }],
    ['other scopes are skipped', { 'provisioning:type': 'thick', 'RESKEY:availability_zones': 'z', 'vendor:x:y': '1' }],
    ['a list matches by any element', { storage_protocol: 'iscsi' }],
    ['multi-attach is asked for as a boolean', { multiattach: '<is> True' }],
  ])('are met: %s', (_, extraSpecs) => {
    expect(unmetSpec(capabilities, extraSpecs)).toBeNull();
  });

  it.each<[string, Record<string, string>, unknown]>([
    [
      'a capability that is not reported',
      { colour: 'red' },
      { reason: 'it does not report the capability colour', figures: { extraSpec: 'colour', wanted: 'red' } },
    ],
    [
      'a nested capability that is not reported',
      { 'capabilities:nested:hdd:rpm': '0' },
      {
        reason: 'it does not report the capability capabilities:nested:hdd:rpm',
        figures: { extraSpec: 'capabilities:nested:hdd:rpm', wanted: '0' },
      },
    ],
    [
      'a text is walked into as if it had keys',
      { 'capabilities:volume_backend_name:length': '= 1' },
      {
        reason: 'it does not report the capability capabilities:volume_backend_name:length',
        figures: { extraSpec: 'capabilities:volume_backend_name:length', wanted: '= 1' },
      },
    ],
    [
      'a key that every object has',
      { constructor: '<is> False' },
      {
        reason: 'it does not report the capability constructor',
        figures: { extraSpec: 'constructor', wanted: '<is> False' },
      },
    ],
    [
      'another value',
      { multiattach: '<is> True', volume_backend_name: 'slow' },
      {
        reason: 'extra spec volume_backend_name=slow does not match its capability fast',
        figures: { extraSpec: 'volume_backend_name', wanted: 'slow', capability: 'fast' },
      },
    ],
    [
      'no element of a list',
      { storage_protocol: 'FC' },
      {
        reason: 'extra spec storage_protocol=FC does not match its capability ["iSCSI","iscsi"]',
        figures: { extraSpec: 'storage_protocol', wanted: 'FC', capability: '["iSCSI","iscsi"]' },
      },
    ],
    [
      'a capability that is null',
      { missing: '<is> False' },
      {
        reason: 'extra spec missing=<is> False does not match its capability null',
        figures: { extraSpec: 'missing', wanted: '<is> False', capability: 'null' },
      },
    ],
  ])('are not met: %s', (_, extraSpecs, expected) => {
    expect(unmetSpec(capabilities, extraSpecs)).toEqual(expected);
  });
});
