import { poolAggregate, poolStream, quotaAggregate, quotaStream } from '../commands/streams.ts';
import type { GiB } from '../domain/kernel/units.ts';
import type { Allocation } from '../domain/pool/events.ts';
import type { Amounts } from '../domain/quota/events.ts';
import { workerFor } from './backend.ts';
import { type StepContext, StepError } from './operation.ts';

/*
 * What operations do with the ledgers. All of it is idempotent by the operation's id, so that a step that is run
 * again, or an undo of something that never happened, changes nothing.
 */

/** Takes room on a pool; refused (then another pool is tried) when it is no longer there. */
export async function claimCapacity(
  context: StepContext,
  claim: {
    readonly pool: string;
    readonly resourceId: string;
    readonly kind: Allocation['kind'];
    readonly sizeGiB: GiB;
    readonly extraSpecs: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const { pool, resourceId, kind, sizeGiB, extraSpecs } = claim;
  const report = await workerFor(context, pool).report(pool);
  if (report === null)
    throw new StepError({ code: 'PoolGone', message: `backend no longer reports pool ${pool}` }, 'elsewhere');
  const { operationId } = context.operation;
  const provisioningType = extraSpecs['provisioning:type'] ?? null;
  await context.send(
    poolAggregate,
    poolStream(pool),
    { type: 'ClaimCapacity', operationId, resourceId, kind, sizeGiB, provisioningType, report },
    ':claim',
  );
}

export const returnClaim = async (context: StepContext, pool: string): Promise<void> => {
  const { operationId } = context.operation;
  const reason = context.reason?.code ?? 'undone';
  await context.send(
    poolAggregate,
    poolStream(pool),
    { type: 'ReturnCapacity', pool, operationId, freed: 'claim', reason },
    ':return',
  );
};

export const settleClaim = async (context: StepContext, pool: string): Promise<void> => {
  const { operationId } = context.operation;
  await context.send(poolAggregate, poolStream(pool), { type: 'SettleClaim', pool, operationId }, ':settle');
};

/** Gives back what a deletion freed on the backend. */
export const returnCapacity = async (
  context: StepContext,
  pool: string,
  freed: { readonly volumesGiB: GiB; readonly snapshotsGiB: GiB; readonly volumes: number; readonly snapshots: number },
): Promise<void> => {
  const { operationId } = context.operation;
  await context.send(
    poolAggregate,
    poolStream(pool),
    { type: 'ReturnCapacity', pool, operationId, freed, reason: 'deleted' },
    ':return',
  );
};

export const settleQuota = async (context: StepContext, projectId: string): Promise<void> => {
  const { operationId } = context.operation;
  await context.send(
    quotaAggregate,
    quotaStream(projectId),
    { type: 'SettleCharge', projectId, operationId },
    ':settle',
  );
};

/** `charge`: what this operation was charged with; otherwise what it freed. */
export const returnQuota = async (
  context: StepContext,
  projectId: string,
  amounts: 'charge' | Amounts,
  reason: string,
): Promise<void> => {
  const { operationId } = context.operation;
  await context.send(
    quotaAggregate,
    quotaStream(projectId),
    { type: 'ReturnQuota', projectId, operationId, amounts, reason },
    ':return',
  );
};
