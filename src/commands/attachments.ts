import { resourceIdOf } from '../domain/kernel/ids.ts';
import type { VolumeCommand } from '../domain/volume/commands.ts';
import {
  type CommandDependencies,
  type CommandResult,
  sendToVolume,
  type VolumeFacts,
  volumeFacts,
} from './dependencies.ts';
import type { CommandContext } from './handle.ts';

interface OfVolume {
  readonly volumeId: string;
}

type Changed = Promise<CommandResult<VolumeFacts>>;

/** The attachment actions of a volume (contract/sagas.md §8, old actions): they keep the record, the client connects. */
export interface AttachmentCommands {
  reserve(input: OfVolume, context: CommandContext): Changed;
  unreserve(input: OfVolume, context: CommandContext): Changed;
  beginDetaching(input: OfVolume, context: CommandContext): Changed;
  rollDetaching(input: OfVolume, context: CommandContext): Changed;
  /** The attachment's id is the same for the same command. */
  attach(
    input: OfVolume & {
      readonly instanceId: string | null;
      readonly hostName: string | null;
      readonly mountpoint: string;
      readonly mode: 'rw' | 'ro';
    },
    context: CommandContext,
  ): Changed;
  /** `attachmentId` null: the only one there is. */
  detach(input: OfVolume & { readonly attachmentId: string | null }, context: CommandContext): Changed;
}

export function createAttachmentCommands(deps: Pick<CommandDependencies, 'handler'>): AttachmentCommands {
  const send = async (volumeId: string, command: VolumeCommand, context: CommandContext): Changed =>
    volumeFacts(volumeId, await sendToVolume(deps, volumeId, command, context));

  return {
    reserve: ({ volumeId }, context) => send(volumeId, { type: 'ReserveVolume' }, context),
    unreserve: ({ volumeId }, context) => send(volumeId, { type: 'UnreserveVolume' }, context),
    beginDetaching: ({ volumeId }, context) => send(volumeId, { type: 'BeginDetaching' }, context),
    rollDetaching: ({ volumeId }, context) => send(volumeId, { type: 'RollDetaching' }, context),
    attach: ({ volumeId, ...attach }, context) => {
      const attachmentId = resourceIdOf(context.commandId, 'attachment');
      return send(volumeId, { type: 'AttachVolume', attachmentId, ...attach }, context);
    },
    detach: ({ volumeId, attachmentId }, context) => send(volumeId, { type: 'DetachVolume', attachmentId }, context),
  };
}
