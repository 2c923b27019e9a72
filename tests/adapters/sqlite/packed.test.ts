import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPacker, createUnpacker, packOutcomes, unpackOutcomes } from '../../../src/adapters/sqlite/packed.ts';
import type { Outcome, QueuedUnit, Statement } from '../../../src/adapters/sqlite/writer-protocol.ts';

const aText = fc.string({ maxLength: 12 });
const aValue = fc.oneof(aText, fc.integer(), fc.bigInt({ min: 0n, max: 2n ** 60n }), fc.constant(null));
const anEvent = fc.record({ id: aText, type: aText, data: aText, metadata: aText });
const anAppend = fc.record({
  kind: fc.constant('append' as const),
  stream: aText,
  expected: fc.integer({ min: -1 }),
  now: fc.nat(),
  events: fc.array(anEvent, { maxLength: 4 }),
});
const aStatement: fc.Arbitrary<Statement> = fc
  .tuple(fc.constantFrom('INSERT', 'UPDATE', 'DELETE'), fc.nat(3), fc.nat(4), fc.boolean())
  .chain(([sql, columns, count, guard]) =>
    fc
      .array(fc.array(aValue, { minLength: columns, maxLength: columns }), { minLength: count, maxLength: count })
      .map((rows) => (guard ? { sql, rows, guard } : { sql, rows })),
  );
const aUnit = fc.oneof(
  anAppend,
  fc.record({ kind: fc.constant('statements' as const), statements: fc.array(aStatement, { maxLength: 3 }) }),
);
const aQueuedUnit: fc.Arbitrary<QueuedUnit> = fc.record({ id: fc.nat(), durable: fc.boolean(), unit: aUnit });
const anOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({
    kind: fc.constant('appended' as const),
    revision: fc.nat(),
    position: fc.nat(),
    recordedAt: fc.option(fc.nat()),
  }),
  fc.record({ kind: fc.constantFrom('conflict' as const, 'refused' as const) }),
  fc.record({ kind: fc.constant('done' as const), row: fc.option(fc.array(aText, { maxLength: 3 })) }),
);

describe('what is packed for the other thread', () => {
  it('comes out as it went in, message after message', () => {
    fc.assert(
      fc.property(fc.array(fc.array(aQueuedUnit, { maxLength: 4 }), { maxLength: 6 }), (messages) => {
        const [pack, unpack] = [createPacker(), createUnpacker()];
        for (const units of messages) expect(unpack(structuredClone(pack(units)))).toEqual(units);
      }),
    );
  });

  it('comes back as it was answered', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ id: fc.nat(), outcome: anOutcome }), { maxLength: 8 }), (outcomes) => {
        expect(unpackOutcomes(structuredClone(packOutcomes(outcomes)))).toEqual(outcomes);
      }),
    );
  });

  it('names SQL by number after the first time, and still does where there is too much of it to number', () => {
    const unitOf = (sql: string): QueuedUnit => ({
      ...{ id: 1, durable: true },
      unit: { kind: 'statements', statements: [{ sql, rows: [[1]] }] },
    });
    const pack = createPacker();
    const all = Array.from({ length: 1_500 }, (_, n) => unitOf(`SELECT ${n}`));
    expect(pack(all)).toContain('SELECT 0');
    const [other, reader] = [createPacker(), createUnpacker()];
    for (const _ of [1, 2, 3]) expect(reader(other(all))).toEqual(all);
    expect(other(all)).not.toContain('SELECT 0');
    expect(other(all)).toContain('SELECT 1499');
  });
});
