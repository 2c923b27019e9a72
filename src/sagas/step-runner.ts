import type { CommandContext, CommandHandler } from '../commands/handle.ts';
import { outcomeCommandIdOf } from '../domain/kernel/ids.ts';
import { kindOf, type Rejection } from '../domain/kernel/rejection.ts';
import { type Operation, stepOf } from '../domain/operation/index.ts';
import { DriverError } from '../drivers/storage/driver.ts';
import type { Clock } from '../ports/clock.ts';
import { StoreUnavailable } from '../ports/event-store.ts';
import { type Send, type Step, type StepContext, StepError, startedOf } from './operation.ts';
import { NOT_MINE, OwnershipLost } from './ownership.ts';
import type { OperationServices } from './services.ts';

/** Who an operation says it is: the system, on behalf of the project whose resource it works on. */
export function operationContext(operation: Operation, correlationId: string, commandId: string): CommandContext {
  const { operationId, projectId, kind } = startedOf(operation);
  return {
    commandId,
    correlationId,
    causationId: operationId,
    actor: { userId: `operation:${kind}`, projectId, roles: [], kind: 'operation' },
  };
}

/** The context of one attempt of a step (or of its undo: then its commands have ids of their own). */
export function stepContext(options: {
  readonly operation: Operation;
  readonly correlationId: string;
  readonly step: Step;
  readonly attempt: number;
  readonly undo: boolean;
  readonly intent: unknown;
  readonly signal: AbortSignal;
  readonly services: OperationServices;
  /** Asked at each decision of a command: whether the operation is still this process's. Null where it is nobody else's. */
  readonly isMine: (() => boolean) | null;
}): StepContext<never> {
  const { operation, step, attempt, services, isMine } = options;
  const provided = isMine === null ? {} : { provided: unlessMine(isMine) };
  const started = startedOf(operation);
  const idPrefix = options.undo ? `undo:${step.name}` : step.name;
  const sendAs =
    (attemptOfId: number): Send =>
    async (aggregate, stream, command, role = '') => {
      const commandId = outcomeCommandIdOf(started.operationId, `${idPrefix}${role}`, attemptOfId);
      const context = operationContext(operation, options.correlationId, commandId);
      const outcome = await (services.handler as CommandHandler).handle(aggregate, stream, command, context, provided);
      if (outcome.kind === 'rejected') throw errorOf(outcome.rejection);
      return outcome;
    };
  return {
    operation: started as StepContext<never>['operation'],
    output: <T>(name: string) => stepOf(operation, name).output as T,
    earlierOutputs: <T>(name: string) => (operation.earlierOutputs[name] ?? []) as readonly T[],
    intent: options.intent,
    step: step.name,
    attempt,
    signal: options.signal,
    reason: operation.reason,
    services,
    send: sendAs(attempt),
    sendOnce: sendAs(0),
  };
}

/** For a command's `provided`: the refusal where the operation is another process's by now. */
export const unlessMine = (isMine: () => boolean) => (): Rejection | null => (isMine() ? null : NOT_MINE);

function errorOf(rejection: Rejection): StepError | OwnershipLost {
  if (rejection === NOT_MINE) return new OwnershipLost();
  const { code, message, details } = rejection;
  const retry = code === 'PoolCapacityExceeded' ? 'elsewhere' : kindOf(rejection) === 'unavailable' ? 'here' : 'never';
  return new StepError({ code, message, details }, retry);
}

/** A step failed for good reasons (StepError), or a store is away and nothing can be said (StoreUnavailable). */
export function asStepError(error: unknown): StepError | StoreUnavailable {
  if (error instanceof StepError || error instanceof StoreUnavailable) return error;
  if (error instanceof DriverError) {
    // The work belongs to another owner now: neither success nor failure is this one's to record.
    if (error.fenced) return new StoreUnavailable(error.message, 'unknown', 1000, { cause: error });
    const code = error.busy ? 'BackendBusy' : 'BackendFailed';
    return new StepError({ code, message: error.message }, error.retryable ? 'here' : 'elsewhere', { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new StepError({ code: 'Unexpected', message }, 'never', { cause: error });
}

export type StepResult =
  | { readonly kind: 'done'; readonly output: unknown }
  | { readonly kind: 'failed'; readonly error: StepError | StoreUnavailable }
  /** The deadline passed, the call was told to stop, and it has not ended: nothing else may touch the backend. */
  | { readonly kind: 'hung'; readonly ended: Promise<unknown> };

/** How long a call that was told to stop may take to end, in ms. */
const GRACE_MS = 10_000;

/** Why the deadline's timer ends; without a reason of its own, each abort makes an error with a stack. */
const SETTLED = 'settled';

/**
 * Runs one call under a deadline that counts monotonic running time. Past it the signal aborts, and the result is
 * known only once the call has ended.
 */
export async function runWithDeadline(
  clock: Clock,
  timeoutMs: number,
  abort: AbortController,
  call: (signal: AbortSignal) => Promise<unknown>,
): Promise<StepResult> {
  const settled = (async (): Promise<StepResult> => {
    try {
      return { kind: 'done', output: await call(abort.signal) };
    } catch (error) {
      return { kind: 'failed', error: asStepError(error) };
    }
  })();
  const timers = new AbortController();
  const deadline = (async (): Promise<'late'> => {
    const toldToStop = new Promise<void>((resolve) => {
      if (abort.signal.aborted) resolve();
      else abort.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([clock.sleep(timeoutMs, timers.signal), toldToStop]);
    const late = new StepError({ code: 'DeadlineExceeded', message: `no result within ${timeoutMs} ms` }, 'here');
    if (!abort.signal.aborted) abort.abort(late);
    await clock.sleep(GRACE_MS, timers.signal);
    return 'late';
  })().catch(() => 'late' as const);
  const first = await Promise.race([settled, deadline]);
  timers.abort(SETTLED);
  if (first === 'late') return { kind: 'hung', ended: settled };
  // Why it was told to stop says more than how it ended, except where nothing can be said at all.
  const { reason } = abort.signal;
  if (first.kind === 'failed' && !(first.error instanceof StoreUnavailable) && reason instanceof StepError)
    return { kind: 'failed', error: reason };
  return first;
}
