import { operationAggregate, operationStream } from '../commands/operations.ts';
import { hasEnded } from '../domain/operation/index.ts';
import { type Step, StepError } from './operation.ts';

interface TakesOver {
  readonly volumeId: string;
  readonly operationId: string;
  readonly takesOver: readonly string[];
}

const STOP_POLL_MS = 20;
/** How long one attempt waits before it makes room for others. */
const STOP_WAIT_MS = 500;

/**
 * Before a take-over touches the backend, the former operations must have ended: those that owned the resource are
 * told to stop, and so are parked ones of the same volume; whatever else is still finishing there is waited for.
 */
export const stopFormer: Step<TakesOver> = {
  name: 'stop-former',
  effect: 'none',
  timeoutMs: 30_000,
  attempts: 60,
  run: async ({ operation, services, send, signal }) => {
    const { volumeId, operationId, takesOver } = operation.input;
    const others = services.openOperations.of(volumeId).filter((other) => other.operationId !== operationId);
    const stop = new Set([...takesOver, ...others.filter(({ parked }) => parked).map((other) => other.operationId)]);
    for (const former of stop) {
      const command = { type: 'RequestStop', by: operationId, reason: `operation ${operationId} took over` } as const;
      await send(operationAggregate, operationStream(former), command);
    }
    const deadline = services.clock.monotonicMs() + STOP_WAIT_MS;
    for (const former of new Set([...stop, ...others.map((other) => other.operationId)])) {
      while (!hasEnded((await services.handler.load(operationAggregate, operationStream(former))).state)) {
        if (services.clock.monotonicMs() > deadline) {
          throw new StepError({ code: 'FormerStillRuns', message: `operation ${former} has not ended yet` }, 'here');
        }
        await services.clock.sleep(STOP_POLL_MS, signal);
      }
    }
  },
};
