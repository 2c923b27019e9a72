import { match } from 'ts-pattern';
import { accepted, type Decision, rejected } from '../kernel/decider.ts';
import { getById } from '../kernel/id-map.ts';
import { reject } from '../kernel/rejection.ts';
import { resourceName } from './amounts.ts';
import type { QuotaCommand } from './commands.ts';
import type { QuotaEvent } from './events.ts';
import { overLimitRefusal, perVolumeRefusal } from './limits.ts';
import { endingOf, type QuotaLedger } from './state.ts';

type CommandOf<Type extends QuotaCommand['type']> = Extract<QuotaCommand, { type: Type }>;

/** What a project's ledger says to a command (contract/quota.md §3 to §6). */
export const decideQuota = (command: QuotaCommand, ledger: QuotaLedger): Decision<QuotaEvent> =>
  match(command)
    .returnType<Decision<QuotaEvent>>()
    .with({ type: 'SetQuotaLimits' }, (set) => setLimits(set, ledger))
    .with({ type: 'DeleteQuotaLimits' }, ({ projectId }) =>
      Object.keys(ledger.limits).length === 0
        ? accepted()
        : accepted({ type: 'QuotaLimitsDeleted', data: { projectId } }),
    )
    .with({ type: 'ChargeQuota' }, (charge) => chargeQuota(charge, ledger))
    .with({ type: 'SettleCharge' }, ({ projectId, operationId }) =>
      getById(ledger.open, operationId) === undefined
        ? accepted()
        : accepted({ type: 'QuotaSettled', data: { projectId, operationId } }),
    )
    .with({ type: 'ReturnQuota' }, (giveBack) => returnQuota(giveBack, ledger))
    .exhaustive();

/** A limit below usage is refused only where the project has a limit of its own already (contract/quota.md §3). */
function setLimits(
  { projectId, limits, typeNames }: CommandOf<'SetQuotaLimits'>,
  ledger: QuotaLedger,
): Decision<QuotaEvent> {
  for (const [key, limit] of Object.entries(limits)) {
    const usage = ledger.charged[key] ?? 0;
    if (limit < 0 || ledger.limits[key] === undefined || limit >= usage) continue;
    const resource = resourceName(key, typeNames);
    const reason =
      `Quota ${resource} limit must be equal or greater than existing resources. ` +
      `Current usage is ${usage} and the requested limit is ${limit}.`;
    return rejected(reject('InvalidQuota', { reason, resource, usage, limit }));
  }
  const changes = Object.entries(limits).some(([key, limit]) => ledger.limits[key] !== limit);
  if (!changes) return accepted();
  return accepted({ type: 'QuotaLimitsSet', data: { projectId, limits: { ...ledger.limits, ...limits } } });
}

/**
 * Already open or settled is done. A charge that was given back may be taken again by the same operation: a refused
 * request that is sent again is a new attempt.
 */
function chargeQuota(command: CommandOf<'ChargeQuota'>, ledger: QuotaLedger): Decision<QuotaEvent> {
  const { projectId, operationId, amounts, volumeSizeGiB, landsIn, reserved, defaults, resource } = command;
  if (getById(ledger.open, operationId) !== undefined || endingOf(ledger, operationId) === 'settled') return accepted();
  const refusal =
    (volumeSizeGiB === null ? null : perVolumeRefusal(ledger, defaults, volumeSizeGiB)) ??
    overLimitRefusal(ledger, amounts, defaults, resource);
  if (refusal !== null) return rejected(refusal);
  return accepted({
    type: 'QuotaCharged',
    data: { projectId, operationId, amounts: { ...amounts }, landsIn, reserved },
  });
}

/** Once per operation; the event states what was really given back, which is never more than is charged. */
function returnQuota(
  { projectId, operationId, amounts, reason }: CommandOf<'ReturnQuota'>,
  ledger: QuotaLedger,
): Decision<QuotaEvent> {
  const open = getById(ledger.open, operationId);
  const asked = amounts === 'charge' ? open?.amounts : amounts;
  const repeated = open === undefined && endingOf(ledger, operationId) === 'returned';
  if (asked === undefined || repeated) return accepted();
  const given = Object.fromEntries(
    Object.entries(asked).map(([key, amount]) => [key, Math.min(amount, ledger.charged[key] ?? 0)]),
  );
  return accepted({ type: 'QuotaReturned', data: { projectId, operationId, amounts: given, reason } });
}
