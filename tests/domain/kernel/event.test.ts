import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { catalogueOf, UnreadableEvent } from '../../../src/domain/kernel/event.ts';

const catalogue = catalogueOf({
  Renamed: {
    version: 3,
    data: z.object({ name: z.string(), by: z.string() }),
    upcast: {
      1: (data) => ({ name: (data as { title: string }).title }),
      2: (data) => ({ ...(data as object), by: 'unknown' }),
    },
  },
  Moved: { version: 2, data: z.object({ to: z.string() }) },
});

describe('an event catalogue', () => {
  it('knows its types and the version it writes', () => {
    expect(catalogue.types).toEqual(['Renamed', 'Moved']);
    expect(catalogue.versionOf('Renamed')).toBe(3);
  });

  it('checks what is written, and names the field that is wrong', () => {
    expect(catalogue.encode({ type: 'Renamed', data: { name: 'n', by: 'b' } })).toEqual({
      type: 'Renamed',
      data: { name: 'n', by: 'b' },
    });
    expect(() => catalogue.encode({ type: 'Renamed', data: { name: 'n' } as never })).toThrow(/"by"/);
  });

  it('reads the current version as it is', () => {
    expect(catalogue.decode('Moved', 2, { to: 'x' })).toEqual({ type: 'Moved', data: { to: 'x' } });
  });

  it('lifts older versions step by step', () => {
    expect(catalogue.decode('Renamed', 1, { title: 'n' })).toEqual({
      type: 'Renamed',
      data: { name: 'n', by: 'unknown' },
    });
    expect(catalogue.decode('Renamed', 2, { name: 'n' })).toEqual({
      type: 'Renamed',
      data: { name: 'n', by: 'unknown' },
    });
  });

  it.each([
    ['an unknown type', 'Vanished', 1, /unknown type/],
    ['a name that every object has', 'constructor', 1, /unknown type/],
    ['a version of a newer build', 'Renamed', 4, /reads up to version 3/],
    ['a version that nothing lifts', 'Moved', 1, /no upcaster from version 1/],
  ])('never guesses: %s is refused', (_what, type, version, message) => {
    const read = (): unknown => catalogue.decode(type, version, {});
    expect(read).toThrow(UnreadableEvent);
    expect(read).toThrow(message);
  });
});
