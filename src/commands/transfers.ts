import { createHmac } from 'node:crypto';
import { operationIdOf, resourceIdOf } from '../domain/kernel/ids.ts';
import { reject } from '../domain/kernel/rejection.ts';
import { amountsOfTransfer } from '../domain/quota/index.ts';
import type { VolumeCommand } from '../domain/volume/commands.ts';
import { movedByTransfer } from '../domain/volume/decide/transfer.ts';
import { changedSinceCharged, chargeAndLand, landedBefore, refusalBefore, untilUnchanged } from './charge.ts';
import {
  type CommandDependencies,
  type CommandResult,
  factsOf,
  loadVolume,
  type OperationFacts,
  operationFacts,
  refused,
  sendToVolume,
  type VolumeFacts,
  volumeFacts,
} from './dependencies.ts';
import type { CommandContext } from './handle.ts';
import { volumeStream } from './streams.ts';

interface OfTransfer {
  readonly transferId: string;
  /** The volume that it offers: its stream is where the transfer lives. */
  readonly volumeId: string;
}

export interface TransferCommands {
  /** `authKey` is shown here and never again: only its salted hash is kept. */
  create(
    input: { readonly volumeId: string; readonly name: string | null; readonly noSnapshots: boolean },
    context: CommandContext,
  ): Promise<CommandResult<VolumeFacts & { readonly transferId: string; readonly authKey: string }>>;
  /** Charges the caller's project, then moves the volume there; what the donor was charged is returned after. */
  accept(
    input: OfTransfer & { readonly authKey: string },
    context: CommandContext,
  ): Promise<CommandResult<OperationFacts>>;
  delete(input: OfTransfer, context: CommandContext): Promise<CommandResult<VolumeFacts>>;
}

/** What is kept of an auth key: 64 random bits need no slow hash, only one that cannot be looked up. */
export const authKeyHashOf = (salt: string, authKey: string): string =>
  createHmac('sha256', salt).update(authKey).digest('hex');

export function createTransferCommands(deps: CommandDependencies): TransferCommands {
  return {
    create: async ({ volumeId, name, noSnapshots }, context) => {
      const transferId = resourceIdOf(context.commandId, 'transfer');
      const salt = deps.ids.salt();
      const authKey = deps.ids.authKey();
      const authKeyHash = authKeyHashOf(salt, authKey);
      const command: VolumeCommand = { type: 'CreateTransfer', transferId, name, salt, authKeyHash, noSnapshots };
      const outcome = await sendToVolume(deps, volumeId, command, context);
      if (outcome.kind === 'rejected') return outcome;
      const made = outcome.events.some(
        (event) => event.type === 'TransferCreated' && event.data.authKeyHash === authKeyHash,
      );
      if (made) return { ...factsOf(volumeId, outcome), transferId, authKey };
      const reason = `Transfer ${transferId} was made by this request before; its key is shown only once.`;
      const at = { stream: volumeStream(volumeId), command: command.type };
      return refused(deps, at, reject('Conflict', { reason }), context);
    },
    accept: (input, context) => acceptTransfer(deps, input, context),
    delete: async ({ volumeId, transferId }, context) =>
      volumeFacts(volumeId, await sendToVolume(deps, volumeId, { type: 'DeleteTransfer', transferId }, context)),
  };
}

async function acceptTransfer(
  deps: CommandDependencies,
  { volumeId, transferId, authKey }: OfTransfer & { readonly authKey: string },
  context: CommandContext,
): Promise<CommandResult<OperationFacts>> {
  const operationId = operationIdOf(context.commandId);
  const before = await landedBefore(deps, { volumeId, operationId, command: 'AcceptTransfer' }, context);
  if (before !== null) return operationFacts(volumeId, operationId, before);

  return untilUnchanged(async () => {
    const { state, volume } = await loadVolume(deps, volumeId);
    const at = { stream: volumeStream(volumeId), command: 'AcceptTransfer' };
    const transfer = volume?.transfer;
    if (volume === null || transfer?.id !== transferId) {
      return refused(deps, at, reject('TransferNotFound', { id: transferId }), context);
    }
    const { projectId, userId } = context.actor;
    const { volumeTypeId } = volume;
    const charged = movedByTransfer(volume);
    const command: VolumeCommand = {
      type: 'AcceptTransfer',
      transferId,
      operationId,
      authKeyHash: authKeyHashOf(transfer.salt, authKey),
      toProjectId: projectId,
      toUserId: userId,
      charged,
    };
    const refusal = refusalBefore(deps, command, state);
    if (refusal !== null) return refused(deps, at, refusal.rejection, context);
    const outcome = await chargeAndLand(
      deps,
      {
        projectId,
        amounts: amountsOfTransfer({ ...charged, volumeTypeId }),
        volumeSizeGiB: charged.sizeGiB,
        reserved: true,
        resource: 'volume',
      },
      {
        volumeId,
        operationId,
        command,
        provided: ({ volume: now }) => {
          const moves = now === null ? null : movedByTransfer(now);
          const same =
            now?.volumeTypeId === volumeTypeId &&
            moves?.sizeGiB === charged.sizeGiB &&
            moves.snapshotsGiB === charged.snapshotsGiB &&
            moves.snapshots === charged.snapshots;
          return same ? null : changedSinceCharged(volumeId);
        },
      },
      context,
    );
    return operationFacts(volumeId, operationId, outcome);
  });
}
