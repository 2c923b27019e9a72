import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Amounts,
  addAmounts,
  closeQuotaBooks,
  initialQuotaLedger,
  type QuotaCommand,
  type QuotaLedger,
  quotaDecider,
  reservedOf,
} from '../../../src/domain/quota/index.ts';

const projectId = 'p1';
const LIMITS = { volumes: 4, gigabytes: 20, snapshots: 3, 'gigabytes:t1': 12, per_volume_gigabytes: 8 };

type Action =
  | { kind: 'charge'; op: number; volumes: number; gigabytes: number; type: string; reserved: boolean }
  | { kind: 'settle'; op: number }
  | { kind: 'undo'; op: number }
  /** The thing that this operation made is deleted. */
  | { kind: 'delete'; op: number }
  | { kind: 'close' };

const op = fc.integer({ min: 0, max: 9 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('charge' as const),
      op,
      volumes: fc.integer({ min: 0, max: 1 }),
      gigabytes: fc.integer({ min: 0, max: 9 }),
      type: fc.constantFrom('t1', 't2'),
      reserved: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('settle' as const), op }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('undo' as const), op }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), op }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const) }) },
);

/** What an outside observer believes: what each operation holds openly, and what lives. */
interface Model {
  readonly open: Map<string, Amounts>;
  readonly live: Map<string, Amounts>;
  readonly finished: Set<string>;
}

const commandOf = (a: Exclude<Action, { kind: 'close' }>, model: Model): QuotaCommand => {
  const operationId = `op-${a.op}`;
  switch (a.kind) {
    case 'charge':
      return {
        type: 'ChargeQuota',
        projectId,
        operationId,
        amounts: { volumes: a.volumes, gigabytes: a.gigabytes, [`gigabytes:${a.type}`]: a.gigabytes },
        volumeSizeGiB: a.gigabytes,
        landsIn: `volume-${operationId}`,
        reserved: a.reserved,
        defaults: { limits: LIMITS, typeNames: {} },
        resource: 'volume',
      };
    case 'settle':
      return { type: 'SettleCharge', projectId, operationId };
    case 'undo':
      return { type: 'ReturnQuota', projectId, operationId, amounts: 'charge', reason: 'undone' };
    case 'delete':
      return {
        type: 'ReturnQuota',
        projectId,
        operationId: `deletion-of-${operationId}`,
        amounts: model.live.get(operationId) ?? {},
        reason: 'deleted',
      };
  }
};

const learn = (a: Exclude<Action, { kind: 'close' }>, command: QuotaCommand, happened: boolean, model: Model): void => {
  const operationId = `op-${a.op}`;
  const open = model.open.get(operationId);
  if (a.kind === 'charge' && happened && command.type === 'ChargeQuota') model.open.set(operationId, command.amounts);
  if (a.kind === 'settle' && open !== undefined) {
    model.open.delete(operationId);
    model.live.set(operationId, open);
    model.finished.add(operationId);
  }
  if (a.kind === 'undo') model.open.delete(operationId);
  if (a.kind === 'delete') model.live.delete(operationId);
};

const nonZero = (amounts: Amounts): Amounts => Object.fromEntries(Object.entries(amounts).filter(([, n]) => n !== 0));
const sum = (all: Iterable<Amounts>): Amounts => nonZero([...all].reduce<Amounts>(addAmounts, {}));

function run(actions: readonly Action[], each: (ledger: QuotaLedger, model: Model) => void): QuotaLedger {
  const model: Model = { open: new Map(), live: new Map(), finished: new Set() };
  let ledger = initialQuotaLedger;
  for (const a of actions) {
    if (a.kind === 'close') {
      if (ledger.projectId !== '') ledger = quotaDecider.evolve(ledger, closeQuotaBooks(ledger));
      continue;
    }
    // A deletion is asked for once what it deletes lives; an id that has made something makes nothing more.
    const operationId = `op-${a.op}`;
    if (a.kind === 'delete' && !model.live.has(operationId)) continue;
    if (a.kind === 'charge' && model.finished.has(operationId) && !model.live.has(operationId)) continue;
    const command = commandOf(a, model);
    const decision = quotaDecider.decide(command, ledger, 0);
    const events = decision.kind === 'accepted' ? decision.events : [];
    ledger = events.reduce(quotaDecider.evolve, ledger);
    learn(a, command, events.length > 0, model);
    const again = quotaDecider.decide(command, ledger, 0);
    if (decision.kind === 'accepted') expect(again).toEqual({ kind: 'accepted', events: [] });
    else expect(again).toEqual(decision);
    each(ledger, model);
  }
  return ledger;
}

describe('for any sequence of charges, settlements, returns and closings', () => {
  // Between two closings at most this many operations end, so that none is forgotten while it is still repeated.
  const actions = fc.array(action, { maxLength: 60 }).map((all) => {
    const closings = all.filter((a) => a.kind === 'close').length;
    return closings <= 1
      ? all
      : all.filter((a, index) => a.kind !== 'close' || index === all.findIndex((b) => b.kind === 'close'));
  });

  it('what is charged is what lives and what is open', () => {
    fc.assert(
      fc.property(actions, (all) => {
        run(all, (ledger, model) => {
          expect(nonZero(ledger.charged)).toEqual(sum([...model.live.values(), ...model.open.values()]));
        });
      }),
    );
  });

  it('no limit is ever exceeded, and reserved is part of charged', () => {
    fc.assert(
      fc.property(actions, (all) => {
        run(all, (ledger) => {
          for (const [key, limit] of Object.entries(LIMITS)) {
            expect(ledger.charged[key] ?? 0).toBeLessThanOrEqual(limit);
          }
          for (const [key, reserved] of Object.entries(reservedOf(ledger))) {
            expect(ledger.charged[key] ?? 0).toBeGreaterThanOrEqual(reserved);
          }
        });
      }),
    );
  });

  it('closing the books and reading from there gives the same ledger', () => {
    fc.assert(
      fc.property(actions, (all) => {
        const ledger = run(all, () => {});
        if (ledger.projectId === '') return;
        const closing = closeQuotaBooks(ledger);
        const inMemory = quotaDecider.evolve(ledger, closing);
        const reloaded = quotaDecider.evolve(initialQuotaLedger, closing);
        expect(reloaded).toEqual(inMemory);
        expect({ ...reloaded, ended: 0, endedBefore: 0 }).toEqual({ ...ledger, ended: 0, endedBefore: 0 });
      }),
    );
  });
});
