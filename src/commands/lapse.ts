import { landedAs } from '../domain/volume/index.ts';
import type { CommandDependencies } from './dependencies.ts';
import type { CommandContext } from './handle.ts';
import { quotaAggregate, quotaStream, volumeAggregate, volumeIdOfStream } from './streams.ts';
import { systemContext } from './system.ts';

/** A charge that may be an orphan: its request was to follow in another stream, and was not seen there. */
export interface SuspectCharge {
  readonly operationId: string;
  readonly projectId: string;
  /** The stream that the charge names. */
  readonly landsIn: string;
}

/**
 * Settles the doubt about a charge: first the request is made impossible in the stream it lands in, and only then the
 * charge is given back. Where the request did land, that stream says so and nothing happens (DESIGN section 3, ledgers);
 * unless it landed when the volume had changed hands, and another project was charged for it.
 */
export function createLapse(deps: Pick<CommandDependencies, 'handler' | 'ids'>) {
  return async ({ operationId, projectId, landsIn }: SuspectCharge): Promise<void> => {
    if (volumeIdOfStream(landsIn) === null) throw new Error(`no request of a charge lands in stream ${landsIn}`);
    const lapsing = contextOf(deps.ids.newId(), operationId, projectId);
    const lapsed = await deps.handler.handle(volumeAggregate, landsIn, { type: 'LapseRequest', operationId }, lapsing);
    if (lapsed.kind === 'rejected' || landedAs(lapsed.state, operationId)?.chargedProjectId === projectId) return;
    await deps.handler.handle(
      quotaAggregate,
      quotaStream(projectId),
      { type: 'ReturnQuota', projectId, operationId, amounts: 'charge', reason: 'RequestLapsed' },
      contextOf(deps.ids.newId(), operationId, projectId),
    );
  };
}

const contextOf = (commandId: string, operationId: string, projectId: string): CommandContext =>
  systemContext(commandId, { causationId: operationId, correlationId: `req-${operationId}`, projectId });
