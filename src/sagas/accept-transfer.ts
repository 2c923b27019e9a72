import { amountsOfTransfer } from '../domain/quota/amounts.ts';
import type { VolumeEventOf } from '../domain/volume/events.ts';
import { returnQuota, settleQuota } from './ledgers.ts';
import { defineOperation, type Step, untilDone } from './operation.ts';

type Input = VolumeEventOf<'TransferAccepted'>['data'];

/** Ownership has moved: what the donor was charged is given back, and the acceptor's charge stays. */
const moveQuota: Step<Input> = {
  name: 'move-quota',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: untilDone,
  run: async (context) => {
    const { fromProjectId, toProjectId, sizeGiB, snapshotIds, snapshotsGiB, volumeTypeId } = context.operation.input;
    const amounts = amountsOfTransfer({ sizeGiB, snapshots: snapshotIds.length, snapshotsGiB, volumeTypeId });
    await Promise.all([returnQuota(context, fromProjectId, amounts, 'transferred'), settleQuota(context, toProjectId)]);
  },
};

/** contract/sagas.md §11, accept. */
export const acceptTransfer = defineOperation<Input>({
  kind: 'accept-transfer',
  version: 1,
  startedBy: 'TransferAccepted',
  projectId: (input) => input.toProjectId,
  pool: () => null,
  resource: ({ transferId, volumeId }) => ({ type: 'transfer', id: transferId, volumeId }),
  steps: [moveQuota],
  failed: [],
});
