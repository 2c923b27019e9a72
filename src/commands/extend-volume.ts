import { operationIdOf } from '../domain/kernel/ids.ts';
import { reject } from '../domain/kernel/rejection.ts';
import type { GiB } from '../domain/kernel/units.ts';
import { amountsOfGrowth, perVolumeRefusal } from '../domain/quota/index.ts';
import type { VolumeCommand } from '../domain/volume/commands.ts';
import type { LiveVolume } from '../domain/volume/state.ts';
import { typeById } from '../domain/volume-types/index.ts';
import {
  changedSinceCharged,
  chargeAndLand,
  landedBefore,
  quotaDefaultsOf,
  refusalBefore,
  untilUnchanged,
} from './charge.ts';
import {
  type CommandDependencies,
  type CommandResult,
  loadVolume,
  type OperationFacts,
  operationFacts,
  refused,
} from './dependencies.ts';
import type { CommandContext, Rejected } from './handle.ts';
import { quotaAggregate, quotaStream, VOLUME_TYPES_STREAM, volumeStream, volumeTypesAggregate } from './streams.ts';
import { sizeLimitOf } from './volume-request.ts';

/**
 * Charges the owner's project for the growth, then requests it (contract/quota.md §5: the limit on one volume is the
 * caller's). What the stream would refuse anyway is refused before anything is charged.
 */
export async function extendVolume(
  deps: CommandDependencies,
  input: { readonly volumeId: string; readonly newSizeGiB: GiB; readonly attachedAllowed: boolean },
  context: CommandContext,
): Promise<CommandResult<OperationFacts>> {
  const { volumeId, newSizeGiB, attachedAllowed } = input;
  const operationId = operationIdOf(context.commandId);
  const before = await landedBefore(deps, { volumeId, operationId, command: 'ExtendVolume' }, context);
  if (before !== null) return operationFacts(volumeId, operationId, before);

  return untilUnchanged(async () => {
    const { state, volume } = await loadVolume(deps, volumeId);
    const at = { stream: volumeStream(volumeId), command: 'ExtendVolume' };
    if (volume === null) return refused(deps, at, reject('VolumeNotFound', { id: volumeId }), context);
    const command: VolumeCommand = {
      type: 'ExtendVolume',
      operationId,
      newSizeGiB,
      attachedAllowed,
      maxSizeGiB: await maxSizeOf(deps, volume),
    };
    const refusal =
      refusalBefore(deps, command, state) ?? (await foreignLimit(deps, volume, newSizeGiB, context.actor.projectId));
    if (refusal !== null) return refused(deps, at, refusal.rejection, context);

    const { projectId, sizeGiB, volumeTypeId } = volume;
    const outcome = await chargeAndLand(
      deps,
      {
        projectId,
        amounts: amountsOfGrowth(newSizeGiB - sizeGiB, volumeTypeId),
        volumeSizeGiB: projectId === context.actor.projectId ? newSizeGiB : null,
        reserved: true,
        resource: 'growth',
      },
      {
        volumeId,
        operationId,
        command,
        provided: ({ volume: now }) =>
          now?.projectId === projectId && now.sizeGiB === sizeGiB && now.volumeTypeId === volumeTypeId
            ? null
            : changedSinceCharged(volumeId),
      },
      context,
    );
    return operationFacts(volumeId, operationId, outcome);
  });
}

async function maxSizeOf({ handler }: CommandDependencies, { volumeTypeId }: LiveVolume): Promise<GiB | null> {
  const { state } = await handler.load(volumeTypesAggregate, VOLUME_TYPES_STREAM);
  return sizeLimitOf(typeById(state, volumeTypeId)?.extraSpecs ?? {}, 'provisioning:max_vol_size');
}

/** An administrator who extends another project's volume is held to the limit on one volume of his own project. */
async function foreignLimit(
  deps: CommandDependencies,
  volume: LiveVolume,
  newSizeGiB: GiB,
  callerProjectId: string,
): Promise<Rejected | null> {
  if (callerProjectId === volume.projectId) return null;
  const { state } = await deps.handler.load(quotaAggregate, quotaStream(callerProjectId));
  const rejection = perVolumeRefusal(state, await quotaDefaultsOf(deps), newSizeGiB);
  return rejection === null ? null : { kind: 'rejected', rejection };
}
