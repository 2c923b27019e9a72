import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rememberWants, streamKindOf, wants } from '../../src/projections/wanted-streams.ts';

describe('which streams a read model wants', () => {
  it('is remembered as it is, however streams are called and prefixes cut', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 5 });
    fc.assert(
      fc.property(fc.array(name, { maxLength: 3 }), fc.array(name, { maxLength: 12 }), (prefixes, streams) => {
        const filter = { prefixes };
        const isWanted = rememberWants(filter);
        expect(streams.map((stream) => isWanted(stream, streamKindOf(stream)))).toEqual(
          streams.map((stream) => wants(filter, stream)),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
