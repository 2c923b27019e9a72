import { operationIdOf, resourceIdOf } from '../domain/kernel/ids.ts';
import { reject } from '../domain/kernel/rejection.ts';
import type { GiB } from '../domain/kernel/units.ts';
import { amountsOfVolume } from '../domain/quota/index.ts';
import type { VolumeCommand } from '../domain/volume/commands.ts';
import type { Volume } from '../domain/volume/state.ts';
import { chargeAndLand, doneElsewhere, landedBefore } from './charge.ts';
import {
  type CommandDependencies,
  type CommandResult,
  isAdmin,
  loadVolume,
  type OperationFacts,
  operationFacts,
  refused,
  sendToVolume,
  type VolumeFacts,
  volumeFacts,
} from './dependencies.ts';
import { extendVolume } from './extend-volume.ts';
import { isFrozen } from './frozen.ts';
import type { CommandContext } from './handle.ts';
import { volumeStream } from './streams.ts';
import { type CreateVolumeInput, requestOf } from './volume-request.ts';

export type { CreateVolumeInput } from './volume-request.ts';

type Metadata = Readonly<Record<string, string>>;
type Started = Promise<CommandResult<OperationFacts>>;
type Changed = Promise<CommandResult<VolumeFacts>>;

interface OfVolume {
  readonly volumeId: string;
}

/**
 * What clients ask of volumes. Whether the caller may see the volume is for the API to check; project, user and rights
 * are those of the context's actor.
 */
export interface VolumeCommands {
  /** Charges the caller's project, then requests the volume; ids are the same for the same command. */
  create(input: CreateVolumeInput, context: CommandContext): Started;
  delete(input: OfVolume & { readonly cascade: boolean; readonly force: boolean }, context: CommandContext): Started;
  /** Charges the owner's project. `attachedAllowed`: from microversion 3.42. */
  extend(
    input: OfVolume & { readonly newSizeGiB: GiB; readonly attachedAllowed: boolean },
    context: CommandContext,
  ): Started;
  revert(input: OfVolume & { readonly snapshotId: string }, context: CommandContext): Started;
  resetStatus(
    input: OfVolume & { readonly status?: string; readonly attachStatus?: string; readonly migrationStatus?: string },
    context: CommandContext,
  ): Changed;
  /** `metadata` replaces all there is; what is absent stays. */
  update(
    input: OfVolume & {
      readonly name?: string | null;
      readonly description?: string | null;
      readonly metadata?: Metadata;
    },
    context: CommandContext,
  ): Changed;
  /** `expected`: whether the metadata is what the client has seen; looked at on the very state that is written to. */
  setMetadata(
    input: OfVolume & {
      readonly metadata: Metadata;
      readonly replace: boolean;
      readonly expected?: (metadata: Metadata) => boolean;
    },
    context: CommandContext,
  ): Changed;
  deleteMetadata(input: OfVolume & { readonly key: string }, context: CommandContext): Changed;
  setImageMetadata(input: OfVolume & { readonly metadata: Metadata }, context: CommandContext): Changed;
  unsetImageMetadata(input: OfVolume & { readonly key: string }, context: CommandContext): Changed;
  setBootable(input: OfVolume & { readonly bootable: boolean }, context: CommandContext): Changed;
  setReadonly(input: OfVolume & { readonly readonly: boolean }, context: CommandContext): Changed;
}

export function createVolumeCommands(deps: CommandDependencies): VolumeCommands {
  const send = async (volumeId: string, command: VolumeCommand, context: CommandContext): Changed =>
    volumeFacts(volumeId, await sendToVolume(deps, volumeId, command, context));

  const start = async (
    volumeId: string,
    command: VolumeCommand & { readonly operationId: string },
    context: CommandContext,
  ): Started => operationFacts(volumeId, command.operationId, await sendToVolume(deps, volumeId, command, context));

  return {
    create: (input, context) => createVolume(deps, input, context),
    delete: async ({ volumeId, cascade, force }, context) => {
      const { volume } = await loadVolume(deps, volumeId);
      const backendFrozen = await isFrozen(deps, volume?.pool ?? null);
      const caller = { callerProjectId: context.actor.projectId, callerIsAdmin: isAdmin(context) };
      const operationId = operationIdOf(context.commandId);
      return start(volumeId, { type: 'DeleteVolume', operationId, cascade, force, backendFrozen, ...caller }, context);
    },
    extend: (input, context) => extendVolume(deps, input, context),
    revert: ({ volumeId, snapshotId }, context) =>
      start(volumeId, { type: 'RevertToSnapshot', operationId: operationIdOf(context.commandId), snapshotId }, context),
    resetStatus: ({ volumeId, ...reset }, context) => send(volumeId, { type: 'ResetVolumeStatus', ...reset }, context),
    update: ({ volumeId, ...update }, context) => send(volumeId, { type: 'UpdateVolume', ...update }, context),
    setMetadata: async ({ volumeId, expected = () => true, ...set }, context) => {
      const provided = ({ volume }: Volume) =>
        volume === null || expected(volume.metadata) ? null : reject('MetadataChanged', { id: volumeId });
      const command: VolumeCommand = { type: 'SetVolumeMetadata', ...set };
      return volumeFacts(volumeId, await sendToVolume(deps, volumeId, command, context, { provided }));
    },
    deleteMetadata: ({ volumeId, key }, context) => send(volumeId, { type: 'DeleteVolumeMetadata', key }, context),
    setImageMetadata: ({ volumeId, metadata }, context) =>
      send(volumeId, { type: 'SetImageMetadata', metadata }, context),
    unsetImageMetadata: ({ volumeId, key }, context) => send(volumeId, { type: 'UnsetImageMetadata', key }, context),
    setBootable: ({ volumeId, bootable }, context) => send(volumeId, { type: 'SetBootable', bootable }, context),
    setReadonly: ({ volumeId, readonly }, context) => send(volumeId, { type: 'SetReadonly', readonly }, context),
  };
}

async function createVolume(deps: CommandDependencies, input: CreateVolumeInput, context: CommandContext): Started {
  const volumeId = resourceIdOf(context.commandId, 'volume');
  const operationId = operationIdOf(context.commandId);
  const { isFirst = false } = context;
  const landing = { volumeId, operationId, command: 'CreateVolume' } as const;
  const before = isFirst ? null : await landedBefore(deps, landing, context);
  if (before !== null) return operationFacts(volumeId, operationId, before);
  const request = await requestOf(deps, input, { volumeId, operationId }, context);
  if (request.kind === 'rejected') {
    const elsewhere = isFirst ? null : await doneElsewhere(deps, landing, context);
    if (elsewhere !== null) return operationFacts(volumeId, operationId, elsewhere);
    return refused(deps, { stream: volumeStream(volumeId), command: 'CreateVolume' }, request.rejection, context);
  }
  const { projectId, sizeGiB, volumeTypeId } = request.value;
  const amounts = amountsOfVolume(sizeGiB, volumeTypeId);
  const outcome = await chargeAndLand(
    deps,
    { projectId, amounts, volumeSizeGiB: sizeGiB, reserved: false, resource: 'volume' },
    {
      volumeId,
      operationId,
      command: { type: 'CreateVolume', request: request.value },
      refusalIsFinal: true,
      isNew: isFirst,
    },
    context,
  );
  return operationFacts(volumeId, operationId, outcome);
}
