import type { Decider } from '../kernel/decider.ts';
import { dropById, emptyIdMap, getById, idMapOf, idsOf, putById, valuesOf } from '../kernel/id-map.ts';
import { addAmounts, subtractAmounts } from './amounts.ts';
import type { QuotaCommand } from './commands.ts';
import { decideQuota } from './decide.ts';
import type { Amounts, QuotaEvent } from './events.ts';
import { type Ending, initialQuotaLedger, type QuotaLedger } from './state.ts';

export * from './amounts.ts';
export type { QuotaCommand, QuotaDefaults } from './commands.ts';
export { type Amounts, type OpenCharge, type QuotaEvent, quotaEvents } from './events.ts';
export { limitOf, perVolumeRefusal } from './limits.ts';
export { endingOf, initialQuotaLedger, type QuotaLedger } from './state.ts';

const end = (ledger: QuotaLedger, operationId: string, ending: Ending): QuotaLedger => ({
  ...ledger,
  open: dropById(ledger.open, operationId),
  ended: putById(ledger.ended, operationId, ending),
});

function evolveQuota(ledger: QuotaLedger, { type, data }: QuotaEvent): QuotaLedger {
  const { projectId } = data;
  switch (type) {
    case 'QuotaLimitsSet':
      return { ...ledger, projectId, limits: data.limits };
    case 'QuotaLimitsDeleted':
      return { ...ledger, projectId, limits: {} };
    case 'QuotaCharged': {
      const { projectId: _, ...charge } = data;
      return {
        ...ledger,
        projectId,
        charged: addAmounts(ledger.charged, charge.amounts),
        open: putById(ledger.open, charge.operationId, charge),
        // taken again after it was given back: it is under way once more
        ended: dropById(ledger.ended, charge.operationId),
        endedBefore: dropById(ledger.endedBefore, charge.operationId),
      };
    }
    case 'QuotaSettled':
      return { ...end(ledger, data.operationId, 'settled'), projectId };
    case 'QuotaReturned':
      return {
        ...end(ledger, data.operationId, 'returned'),
        projectId,
        charged: subtractAmounts(ledger.charged, data.amounts),
      };
    case 'QuotaLedgerClosed': {
      const settled = new Set(data.settled);
      return {
        projectId,
        limits: data.limits,
        charged: data.charged,
        open: idMapOf(data.open.map((charge) => [charge.operationId, charge] as const)),
        ended: emptyIdMap,
        endedBefore: idMapOf(data.ended.map((id) => [id, settled.has(id) ? 'settled' : 'returned'] as const)),
      };
    }
  }
}

/** The ledger of one project's quota (contract/quota.md); its stream is `quota-<projectId>`. */
export const quotaDecider: Decider<QuotaCommand, QuotaLedger, QuotaEvent> = {
  initial: initialQuotaLedger,
  decide: decideQuota,
  evolve: evolveQuota,
};

/** The event that closes the books: a reader needs nothing of what lies before it. */
export const closeQuotaBooks = (ledger: QuotaLedger): QuotaEvent => {
  const ended = idsOf(ledger.ended);
  return {
    type: 'QuotaLedgerClosed',
    data: {
      projectId: ledger.projectId,
      limits: { ...ledger.limits },
      charged: { ...ledger.charged },
      open: valuesOf(ledger.open),
      ended,
      settled: ended.filter((id) => getById(ledger.ended, id) === 'settled'),
    },
  };
};

/** The part of what is charged that is shown as reserved: open charges of extensions and transfers. */
export const reservedOf = (ledger: QuotaLedger): Amounts =>
  valuesOf(ledger.open)
    .filter((charge) => charge.reserved)
    .reduce<Amounts>((sum, charge) => addAmounts(sum, charge.amounts), {});
