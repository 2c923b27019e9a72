import {
  type OperationCommand,
  type OperationEvent,
  operationDecider,
  operationEvents,
} from '../domain/operation/index.ts';
import type { Operation } from '../domain/operation/state.ts';
import type { Aggregate, CommandContext, CommandHandler, Outcome } from './handle.ts';

export const operationAggregate: Aggregate<OperationCommand, Operation, OperationEvent> = {
  decider: operationDecider,
  catalogue: operationEvents,
};

const OPERATION_PREFIX = 'operation-';

export const operationStream = (operationId: string): string => `${OPERATION_PREFIX}${operationId}`;

/** The operation that a stream is of. */
export const operationIdOf = (stream: string): string => stream.slice(OPERATION_PREFIX.length);

/** What an operator may do to an operation. */
export interface OperationCommands {
  /** `retry` goes on where it was parked; `abandon` gives up undoing on the backend and ends it. Refused unless parked. */
  resume(
    input: { readonly operationId: string; readonly action: 'retry' | 'abandon' },
    context: CommandContext,
  ): Promise<Outcome<Operation, OperationEvent>>;
}

export const createOperationCommands = ({ handler }: { readonly handler: CommandHandler }): OperationCommands => ({
  resume: ({ operationId, action }, context) =>
    handler.handle(operationAggregate, operationStream(operationId), { type: 'ResumeOperation', action }, context),
});
