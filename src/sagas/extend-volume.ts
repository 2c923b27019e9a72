import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import type { VolumeEventOf } from '../domain/volume/events.ts';
import type { BackendVolume } from '../drivers/storage/driver.ts';
import { backendVolumeOf, loadOwned, loadVolume, notOwner, workerFor } from './backend.ts';
import { claimCapacity, returnClaim, returnQuota, settleClaim, settleQuota } from './ledgers.ts';
import { defineOperation, type Step, type StepContext, StepError, untilDone } from './operation.ts';
import { poolAfterFormer, stopFormer } from './stop-former.ts';

type Input = VolumeEventOf<'VolumeExtensionRequested'>['data'];

interface Target {
  readonly pool: string;
  readonly volume: BackendVolume;
}

async function targetOf(context: StepContext<Input>): Promise<Target> {
  const { volumeId, fromGiB } = context.operation.input;
  const { pool, backendName } = await loadVolume(context, volumeId);
  if (pool === null || backendName === null) {
    throw new StepError({ code: 'VolumeNotBuilt', message: `volume ${volumeId} is on no backend` }, 'never');
  }
  return { pool, volume: backendVolumeOf({ id: volumeId, name: backendName, sizeGiB: fromGiB, pool }) };
}

/** Takes the growth from the pool; refused: the volume keeps its size and its former status. */
const claim: Step<Input> = {
  name: 'claim',
  effect: 'command',
  timeoutMs: 30_000,
  attempts: 5,
  run: async (context) => {
    const { volumeId, fromGiB, toGiB } = context.operation.input;
    const { extraSpecs } = await loadVolume(context, volumeId);
    const { pool } = await targetOf(context);
    await claimCapacity(context, { pool, resourceId: volumeId, kind: 'growth', sizeGiB: toGiB - fromGiB, extraSpecs });
    return { pool };
  },
  undo: async (context) => {
    if (!(await isPublished(context))) await returnClaim(context, (await targetOf(context)).pool);
  },
};

/** Whether the volume has its new size: then what was taken for it stays taken. */
const isPublished = async (context: StepContext<Input>): Promise<boolean> => {
  const { volumeId, toGiB } = context.operation.input;
  return (await loadVolume(context, volumeId)).sizeGiB >= toGiB;
};

/** Has no undo: what has grown cannot shrink without risk, and an object larger than its record harms nobody. */
const extend: Step<Input> = {
  name: 'extend',
  effect: 'world',
  timeoutMs: 3_600_000,
  attempts: 3,
  intent: targetOf,
  run: async (context) => {
    await loadOwned(context);
    const { pool, volume } = context.intent as Target;
    const { driver, context: call } = workerFor(context, pool);
    await driver.extendVolume(volume, context.operation.input.toGiB, call);
  },
};

const finish: Step<Input> = {
  name: 'finish',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: untilDone,
  run: async (context) => {
    const { operationId, volumeId } = context.operation.input;
    const done = await context.sendOnce(volumeAggregate, volumeStream(volumeId), {
      type: 'CompleteVolumeExtension',
      operationId,
    });
    if (done.events.length === 0) throw notOwner(operationId, 'volume');
    await settle(context);
  },
};

const settle = async (context: StepContext<Input>): Promise<void> => {
  const { pool } = context.output<{ pool: string }>('claim');
  await Promise.all([settleQuota(context, context.operation.input.projectId), settleClaim(context, pool)]);
};

const markExtensionFailed: Step<Input> = {
  name: 'mark-extension-failed',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: 10,
  run: async (context) => {
    const { operationId, volumeId, projectId } = context.operation.input;
    const reason = context.reason ?? { code: 'Unknown', message: 'no reason was recorded' };
    const refused = reason.code === 'PoolCapacityExceeded';
    await context.send(volumeAggregate, volumeStream(volumeId), {
      type: 'FailVolumeExtension',
      operationId,
      refused,
      reason,
    });
    if (await isPublished(context)) await settle(context);
    else await returnQuota(context, projectId, 'charge', 'extension failed');
  },
};

/** contract/sagas.md §3. */
export const extendVolume = defineOperation<Input>({
  kind: 'extend-volume',
  version: 1,
  startedBy: 'VolumeExtensionRequested',
  projectId: (input) => input.projectId,
  pool: poolAfterFormer,
  resource: ({ volumeId }) => ({ type: 'volume', id: volumeId, volumeId }),
  steps: [stopFormer, claim, extend, finish],
  failed: [markExtensionFailed],
});
