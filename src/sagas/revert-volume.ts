import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import type { VolumeEventOf } from '../domain/volume/events.ts';
import type { BackendSnapshot, BackendVolume } from '../drivers/storage/driver.ts';
import { backendVolumeOf, loadOwned, notOwner, workerFor } from './backend.ts';
import { defineOperation, type Step, StepError, untilDone } from './operation.ts';
import { snapshotFound } from './snapshot-on-backend.ts';
import { poolAfterFormer, stopFormer } from './stop-former.ts';

type Input = VolumeEventOf<'VolumeRevertRequested'>['data'];

interface Target {
  readonly pool: string;
  readonly volume: BackendVolume;
  readonly snapshot: BackendSnapshot;
}

const revert: Step<Input> = {
  name: 'revert',
  effect: 'world',
  timeoutMs: 3_600_000,
  attempts: 3,
  intent: async (context): Promise<Target> => {
    const { volumeId, snapshotId } = context.operation.input;
    const live = await loadOwned(context);
    const snapshot = snapshotFound(live, snapshotId)?.onBackend ?? null;
    const { pool, backendName, sizeGiB } = live;
    if (pool === null || backendName === null || snapshot === null) {
      throw new StepError({ code: 'SnapshotNotBuilt', message: `snapshot ${snapshotId} is on no backend` }, 'never');
    }
    return { pool, volume: backendVolumeOf({ id: volumeId, name: backendName, sizeGiB, pool }), snapshot };
  },
  run: async (context) => {
    await loadOwned(context);
    const { pool, volume, snapshot } = context.intent as Target;
    const { driver, context: call } = workerFor(context, pool);
    await driver.revertToSnapshot(volume, snapshot, call);
  },
};

const finish: Step<Input> = {
  name: 'finish',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: untilDone,
  run: async ({ operation, sendOnce }) => {
    const { operationId, volumeId } = operation.input;
    const done = await sendOnce(volumeAggregate, volumeStream(volumeId), { type: 'CompleteRevert', operationId });
    if (done.events.length === 0) throw notOwner(operationId, 'volume');
  },
};

const markRevertFailed: Step<Input> = {
  name: 'mark-revert-failed',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: 10,
  run: async ({ operation, send, reason }) => {
    const { operationId, volumeId } = operation.input;
    const why = reason ?? { code: 'Unknown', message: 'no reason was recorded' };
    await send(volumeAggregate, volumeStream(volumeId), { type: 'FailRevert', operationId, reason: why });
  },
};

/** contract/sagas.md §7, revert. */
export const revertVolume = defineOperation<Input>({
  kind: 'revert-volume',
  version: 1,
  startedBy: 'VolumeRevertRequested',
  projectId: (input) => input.projectId,
  pool: poolAfterFormer,
  resource: ({ volumeId }) => ({ type: 'volume', id: volumeId, volumeId }),
  steps: [stopFormer, revert, finish],
  failed: [markRevertFailed],
});
