import { resourceIdOf } from '../domain/kernel/ids.ts';
import { DEFAULT_TYPE_ID, type VolumeTypesCommand } from '../domain/volume-types/index.ts';
import { type CommandDependencies, type CommandResult, plainResult } from './dependencies.ts';
import type { CommandContext } from './handle.ts';
import { VOLUME_TYPES_STREAM, volumeTypesAggregate } from './streams.ts';

type ExtraSpecs = Readonly<Record<string, string>>;
type Done<Facts = unknown> = Promise<CommandResult<Facts>>;

interface OfType {
  readonly typeId: string;
}

export interface VolumeTypeCommands {
  create(
    input: {
      readonly name: string;
      readonly description: string | null;
      readonly isPublic: boolean;
      readonly extraSpecs: ExtraSpecs;
    },
    context: CommandContext,
  ): Done<OfType>;
  /** What is absent stays. */
  update(
    input: OfType & { readonly name?: string; readonly description?: string | null; readonly isPublic?: boolean },
    context: CommandContext,
  ): Done;
  delete(input: OfType, context: CommandContext): Done;
  /** Merged into what the type has. */
  setExtraSpecs(input: OfType & { readonly extraSpecs: ExtraSpecs }, context: CommandContext): Done;
  deleteExtraSpec(input: OfType & { readonly key: string }, context: CommandContext): Done;
  setDefault(input: OfType & { readonly projectId: string }, context: CommandContext): Done;
  unsetDefault(input: { readonly projectId: string }, context: CommandContext): Done;
  /** Makes the type `__DEFAULT__` where there is none yet; sent at every start. */
  ensureDefault(context: CommandContext): Done;
}

/** Whether a type is in use is what the read models know: a volume that is being requested just now may be missed. */
export function createVolumeTypeCommands(
  deps: Pick<CommandDependencies, 'handler' | 'isTypeInUse'>,
): VolumeTypeCommands {
  const send = async (command: VolumeTypesCommand, context: CommandContext): Done => {
    const outcome = await deps.handler.handle(volumeTypesAggregate, VOLUME_TYPES_STREAM, command, context);
    return plainResult(outcome);
  };

  return {
    create: async (input, context) => {
      const typeId = resourceIdOf(context.commandId, 'volume-type');
      const result = await send({ type: 'CreateVolumeType', typeId, ...input }, context);
      return result.kind === 'rejected' ? result : { ...result, typeId };
    },
    update: (input, context) => send({ type: 'UpdateVolumeType', ...input }, context),
    delete: async ({ typeId }, context) =>
      send({ type: 'DeleteVolumeType', typeId, inUse: await deps.isTypeInUse(typeId) }, context),
    setExtraSpecs: async ({ typeId, extraSpecs }, context) =>
      send({ type: 'SetExtraSpecs', typeId, extraSpecs, inUse: await deps.isTypeInUse(typeId) }, context),
    deleteExtraSpec: async ({ typeId, key }, context) =>
      send({ type: 'DeleteExtraSpec', typeId, key, inUse: await deps.isTypeInUse(typeId) }, context),
    setDefault: (input, context) => send({ type: 'SetDefaultVolumeType', ...input }, context),
    unsetDefault: (input, context) => send({ type: 'UnsetDefaultVolumeType', ...input }, context),
    ensureDefault: (context) => send({ type: 'EnsureDefaultType', typeId: DEFAULT_TYPE_ID }, context),
  };
}
