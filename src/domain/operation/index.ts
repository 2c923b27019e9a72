import { match } from 'ts-pattern';
import { accepted, type Decider, type Decision, rejected } from '../kernel/decider.ts';
import { reject } from '../kernel/rejection.ts';
import type { OperationEvent } from './events.ts';
import { evolveOperation, hasEnded, initialOperation, type Operation, type Started } from './state.ts';

export { type OperationEvent, operationEvents } from './events.ts';
export type { Operation, Started, StepState } from './state.ts';
export { hasEnded, stepOf } from './state.ts';

export type OperationCommand =
  /** Starts once; `progress` rides along, so that an instant first step costs no append of its own. */
  | { readonly type: 'StartOperation'; readonly started: Started; readonly progress: readonly OperationEvent[] }
  /** What the owner did, on what it saw: an owner that has not seen all loses. */
  | { readonly type: 'RecordProgress'; readonly seen: number; readonly progress: readonly OperationEvent[] }
  /** Also before it has started: its request is in the log, so it will, and then it has only to be undone. */
  | { readonly type: 'RequestStop'; readonly operationId: string; readonly by: string; readonly reason: string }
  | { readonly type: 'ResumeOperation'; readonly action: 'retry' | 'abandon' };

const notFound = (): Decision<never> => rejected(reject('OperationNotFound', { id: 'of this stream' }));

/** Decides for one operation's stream; its owner is the only writer but for stops and an operator's resume. */
export const operationDecider: Decider<OperationCommand, Operation, OperationEvent> = {
  initial: initialOperation,
  evolve: evolveOperation,
  decide: (command, operation) =>
    match(command)
      .with(
        { type: 'StartOperation' },
        ({ started, progress }): Decision<OperationEvent> =>
          operation.started !== null
            ? accepted()
            : accepted({ type: 'OperationStarted', data: { ...started, steps: [...started.steps] } }, ...progress),
      )
      .with(
        { type: 'RecordProgress' },
        ({ seen, progress }): Decision<OperationEvent> =>
          seen === operation.seen && !hasEnded(operation)
            ? accepted(...progress)
            : rejected(reject('TryAgain', { reason: 'the operation has moved on' })),
      )
      .with(
        { type: 'RequestStop' },
        ({ operationId, by, reason }): Decision<OperationEvent> =>
          hasEnded(operation) || operation.stopRequestedBy === by
            ? accepted()
            : accepted({ type: 'OperationStopRequested', data: { operationId, by, reason } }),
      )
      .with({ type: 'ResumeOperation' }, ({ action }): Decision<OperationEvent> => {
        if (operation.started === null) return notFound();
        const { operationId } = operation.started;
        if (operation.phase !== 'parked') {
          const word = action === 'retry' ? 'retried' : 'abandoned';
          return rejected(reject('OperationNotParked', { id: operationId, action: word, status: operation.phase }));
        }
        return accepted({ type: 'OperationResumed', data: { operationId, action } });
      })
      .exhaustive(),
};
