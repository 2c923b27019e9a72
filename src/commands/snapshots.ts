import { operationIdOf, resourceIdOf } from '../domain/kernel/ids.ts';
import { reject } from '../domain/kernel/rejection.ts';
import { amountsOfSnapshot } from '../domain/quota/index.ts';
import type { VolumeCommand } from '../domain/volume/commands.ts';
import { changedSinceCharged, chargeAndLand, landedBefore, refusalBefore, untilUnchanged } from './charge.ts';
import {
  type CommandDependencies,
  type CommandResult,
  loadVolume,
  type OperationFacts,
  operationFacts,
  refused,
  sendToVolume,
  type VolumeFacts,
  volumeFacts,
} from './dependencies.ts';
import { isFrozen } from './frozen.ts';
import type { CommandContext } from './handle.ts';
import { volumeStream } from './streams.ts';

type Metadata = Readonly<Record<string, string>>;
type Changed = Promise<CommandResult<VolumeFacts>>;

interface OfSnapshot {
  readonly snapshotId: string;
  /** The volume it is of: its stream is where the snapshot lives. */
  readonly volumeId: string;
}

export interface CreateSnapshotInput {
  readonly volumeId: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly metadata: Metadata;
  /** An attached volume may be snapshotted: `force`, or microversion 3.66 and later. */
  readonly inUseAllowed: boolean;
}

export interface SnapshotCommands {
  /** Charges the caller's project, whoever owns the volume (contract README, rule 15). */
  create(
    input: CreateSnapshotInput,
    context: CommandContext,
  ): Promise<CommandResult<OperationFacts & { readonly snapshotId: string }>>;
  delete(
    input: OfSnapshot & { readonly force: boolean },
    context: CommandContext,
  ): Promise<CommandResult<OperationFacts>>;
  update(
    input: OfSnapshot & { readonly name?: string | null; readonly description?: string | null },
    context: CommandContext,
  ): Changed;
  setMetadata(
    input: OfSnapshot & { readonly metadata: Metadata; readonly replace: boolean },
    context: CommandContext,
  ): Changed;
  deleteMetadata(input: OfSnapshot & { readonly key: string }, context: CommandContext): Changed;
  /** By an administrator. */
  resetStatus(input: OfSnapshot & { readonly status: string }, context: CommandContext): Changed;
  /** By the compute service. */
  updateStatus(
    input: OfSnapshot & { readonly status: string; readonly progress: string | null },
    context: CommandContext,
  ): Changed;
}

export function createSnapshotCommands(deps: CommandDependencies): SnapshotCommands {
  const send = async (volumeId: string, command: VolumeCommand, context: CommandContext): Changed =>
    volumeFacts(volumeId, await sendToVolume(deps, volumeId, command, context));

  return {
    create: (input, context) => createSnapshot(deps, input, context),
    delete: async ({ volumeId, snapshotId, force }, context) => {
      const { volume } = await loadVolume(deps, volumeId);
      const backendFrozen = await isFrozen(deps, volume?.pool ?? null);
      const operationId = operationIdOf(context.commandId);
      const command: VolumeCommand = { type: 'DeleteSnapshot', snapshotId, operationId, force, backendFrozen };
      return operationFacts(volumeId, operationId, await sendToVolume(deps, volumeId, command, context));
    },
    update: ({ volumeId, ...update }, context) => send(volumeId, { type: 'UpdateSnapshot', ...update }, context),
    setMetadata: ({ volumeId, ...set }, context) => send(volumeId, { type: 'SetSnapshotMetadata', ...set }, context),
    deleteMetadata: ({ volumeId, ...of }, context) =>
      send(volumeId, { type: 'DeleteSnapshotMetadata', ...of }, context),
    resetStatus: ({ volumeId, ...reset }, context) =>
      send(volumeId, { type: 'ResetSnapshotStatus', ...reset }, context),
    updateStatus: ({ volumeId, ...update }, context) =>
      send(volumeId, { type: 'UpdateSnapshotStatus', ...update }, context),
  };
}

async function createSnapshot(
  deps: CommandDependencies,
  { volumeId, ...input }: CreateSnapshotInput,
  context: CommandContext,
): Promise<CommandResult<OperationFacts & { readonly snapshotId: string }>> {
  const snapshotId = resourceIdOf(context.commandId, 'snapshot');
  const operationId = operationIdOf(context.commandId);
  const before = await landedBefore(deps, { volumeId, operationId, command: 'CreateSnapshot' }, context);
  const made = before === null ? null : operationFacts(volumeId, operationId, before);
  const result =
    made ??
    (await untilUnchanged(async () => {
      const { state, volume } = await loadVolume(deps, volumeId);
      const at = { stream: volumeStream(volumeId), command: 'CreateSnapshot' };
      if (volume === null) return refused(deps, at, reject('VolumeNotFound', { id: volumeId }), context);
      const { projectId, userId } = context.actor;
      const backendFrozen = await isFrozen(deps, volume.pool);
      const command: VolumeCommand = {
        type: 'CreateSnapshot',
        operationId,
        snapshotId,
        projectId,
        userId,
        backendFrozen,
        ...input,
      };
      const refusal = refusalBefore(deps, command, state);
      if (refusal !== null) return refused(deps, at, refusal.rejection, context);
      const { sizeGiB, volumeTypeId } = volume;
      const amounts = amountsOfSnapshot(sizeGiB, volumeTypeId);
      const outcome = await chargeAndLand(
        deps,
        { projectId, amounts, volumeSizeGiB: null, reserved: false, resource: 'snapshot' },
        {
          volumeId,
          operationId,
          command,
          provided: ({ volume: now }) =>
            now?.sizeGiB === sizeGiB && now.volumeTypeId === volumeTypeId ? null : changedSinceCharged(volumeId),
        },
        context,
      );
      return operationFacts(volumeId, operationId, outcome);
    }));
  return result.kind === 'rejected' ? result : { ...result, snapshotId };
}
