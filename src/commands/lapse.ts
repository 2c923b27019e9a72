import { hasEnded } from '../domain/operation/index.ts';
import { landedAs } from '../domain/volume/index.ts';
import type { CommandDependencies } from './dependencies.ts';
import type { CommandContext } from './handle.ts';
import { operationAggregate, operationStream } from './operations.ts';
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
 * charge is given back (DESIGN section 3, ledgers). Where the request did land, that stream says so, and the charge is its
 * operation's; unless it landed when the volume had changed hands, and another project was charged for it, or the
 * operation has ended: then it has settled or returned what was charged for it, and a late sending of the same request
 * has charged again. Resolves to false while the operation goes on, and nothing can be said yet.
 */
export function createLapse(deps: Pick<CommandDependencies, 'handler' | 'ids'>) {
  return async ({ operationId, projectId, landsIn }: SuspectCharge): Promise<boolean> => {
    if (volumeIdOfStream(landsIn) === null) throw new Error(`no request of a charge lands in stream ${landsIn}`);
    const lapsing = contextOf(deps.ids.newId(), operationId, projectId);
    const lapsed = await deps.handler.handle(volumeAggregate, landsIn, { type: 'LapseRequest', operationId }, lapsing);
    if (lapsed.kind === 'rejected') return true;
    const isItsOwn = landedAs(lapsed.state, operationId)?.chargedProjectId === projectId;
    if (isItsOwn) {
      const { state } = await deps.handler.load(operationAggregate, operationStream(operationId));
      if (!hasEnded(state)) return false;
    }
    const reason = isItsOwn ? 'OperationEnded' : 'RequestLapsed';
    await deps.handler.handle(
      quotaAggregate,
      quotaStream(projectId),
      { type: 'ReturnQuota', projectId, operationId, amounts: 'charge', reason },
      contextOf(deps.ids.newId(), operationId, projectId),
    );
    return true;
  };
}

const contextOf = (commandId: string, operationId: string, projectId: string): CommandContext =>
  systemContext(commandId, { causationId: operationId, correlationId: `req-${operationId}`, projectId });
