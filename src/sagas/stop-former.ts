import { operationAggregate, operationStream } from '../commands/operations.ts';
import { hasEnded } from '../domain/operation/index.ts';
import { type Step, StepError } from './operation.ts';

interface Request {
  readonly volumeId: string;
  readonly operationId: string;
  /** Operations that owned the resource when this one was requested. */
  readonly takesOver?: readonly string[] | undefined;
  /** Where the operation reads or changes a snapshot too. */
  readonly snapshotId?: string | undefined;
  /** Snapshots that go with the volume. */
  readonly snapshotIds?: readonly string[] | undefined;
}

const STOP_POLL_MS = 20;
/** How long one attempt waits before it makes room for others. */
const STOP_WAIT_MS = 500;

/**
 * Before an operation touches the backend, those before it on the same resource must have ended: the ones it takes over
 * and parked ones are told to stop, and whatever was told to stop is waited for. Other operations that are under way on
 * the volume (another snapshot's, say) are none of its business, and waiting for them could be mutual.
 */
export const stopFormer: Step<Request> = {
  name: 'stop-former',
  effect: 'none',
  timeoutMs: 30_000,
  attempts: 60,
  run: async ({ operation, services, send, signal }) => {
    const { volumeId, operationId, takesOver = [], snapshotId, snapshotIds = [] } = operation.input;
    const resources = new Set([
      operation.resource.id,
      ...snapshotIds,
      ...(snapshotId === undefined ? [] : [snapshotId]),
    ]);
    const others = services.openOperations
      .of(volumeId)
      .filter((other) => other.operationId !== operationId && resources.has(other.resourceId));
    const stop = new Set([...takesOver, ...others.filter(({ parked }) => parked).map((other) => other.operationId)]);
    const deadline = services.clock.monotonicMs() + STOP_WAIT_MS;
    const reason = `operation ${operationId} took over`;
    for (const former of stop) {
      const command = { type: 'RequestStop', operationId: former, by: operationId, reason } as const;
      await send(operationAggregate, operationStream(former), command);
    }
    const stopping = others.filter((other) => other.stopping).map((other) => other.operationId);
    for (const former of new Set([...stop, ...stopping])) {
      while (!hasEnded((await services.handler.load(operationAggregate, operationStream(former))).state)) {
        if (services.clock.monotonicMs() > deadline) {
          throw new StepError({ code: 'FormerStillRuns', message: `operation ${former} has not ended yet` }, 'here');
        }
        await services.clock.sleep(STOP_POLL_MS, signal);
      }
    }
  },
};
