import { validate, version } from 'uuid';
import { describe, expect, it } from 'vitest';
import {
  deriveId,
  eventIdOf,
  operationIdOf,
  outcomeCommandIdOf,
  resourceIdOf,
} from '../../../src/domain/kernel/ids.ts';

describe('derived ids', () => {
  it('are UUIDs of version 5', () => {
    for (const id of [
      deriveId('a'),
      resourceIdOf('c', 'volume'),
      operationIdOf('c'),
      outcomeCommandIdOf('o', 's', 1),
    ]) {
      expect(validate(id)).toBe(true);
      expect(version(id)).toBe(5);
    }
  });

  it('never change: ids in the log depend on them', () => {
    expect(deriveId('a', 1)).toBe('1c513a3d-cf39-5ec9-b571-4b8aa0e57114');
  });

  it('differ with every part, and with where the parts end', () => {
    const ids = [
      deriveId('ab', 'c'),
      deriveId('a', 'bc'),
      resourceIdOf('c', 'volume'),
      resourceIdOf('c', 'snapshot'),
      operationIdOf('c'),
      outcomeCommandIdOf('o', 's', 1),
      outcomeCommandIdOf('o', 's', 2),
      eventIdOf('c', 'volume-1', 0),
      eventIdOf('c', 'volume-1', 1),
      eventIdOf('c', 'volume-2', 0),
      eventIdOf('c', 'volume-1', 0, 'digest'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
