import type { Aggregate, Outcome } from '../commands/handle.ts';
import type { DomainEvent } from '../domain/kernel/event.ts';
import type { Instant } from '../domain/kernel/units.ts';
import type { OperationEvent } from '../domain/operation/events.ts';
import { type Operation, type Started, type StepState, stepOf } from '../domain/operation/index.ts';
import type { FailureReason, VolumeEvent } from '../domain/volume/events.ts';
import type { OperationServices } from './services.ts';

export type Accepted<S, E extends DomainEvent> = Extract<Outcome<S, E>, { kind: 'accepted' }>;

/** What a step may use. `input` of the operation is the data of the event that started it. */
export interface StepContext<Input = unknown> {
  readonly operation: Omit<Started, 'input'> & { readonly input: Input };
  /** Output of a step that is done in this pass. */
  output<T>(step: string): T;
  /** Outputs of a step in earlier passes. */
  earlierOutputs<T>(step: string): readonly T[];
  /** What `intent` recorded, also after a crash. */
  readonly intent: unknown;
  readonly step: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly reason: FailureReason | null;
  readonly services: OperationServices;
  /**
   * Sends a command under an id of this step and attempt, so that a repeat is done once; `role` keeps two commands
   * to one stream apart. A refusal becomes a StepError.
   */
  readonly send: Send;
  /**
   * The same under an id of the step alone: what an earlier attempt did is the outcome. Where there are no events, this
   * operation has not done it, whoever has.
   */
  readonly sendOnce: Send;
}

/** How a step sends a command. */
export type Send = <C extends { readonly type: string }, S, E extends DomainEvent>(
  aggregate: Aggregate<C, S, E>,
  stream: string,
  command: C,
  role?: string,
) => Promise<Accepted<S, E>>;

/**
 * One step. `effect` says what a crash may leave behind: `none` (run again freely), `command` (appends to other
 * streams, idempotent by the operation's id), `world` (a driver call: its intent is recorded first).
 */
export interface Step<Input = never> {
  readonly name: string;
  readonly effect: 'none' | 'command' | 'world';
  readonly timeoutMs: number;
  /** How often it is tried here before the operation goes elsewhere or fails; `untilDone` where only stores are asked. */
  readonly attempts: number;
  /** `world` only: all that is needed to do it again; JSON, recorded before the call. */
  intent?(context: StepContext<Input>): Promise<unknown>;
  run(context: StepContext<Input>): Promise<unknown>;
  /** Idempotent; also called when `run` failed or never answered. */
  undo?(context: StepContext<Input>): Promise<void>;
}

/** Attempts of a step that nothing but a store can delay, and that must not be left half done. */
export const untilDone = Number.POSITIVE_INFINITY;

/** The same step once for each item; the items are part of the input, so the names are the same after a crash. */
export interface ForEach<Input = never> {
  readonly items: (input: Input) => readonly string[];
  readonly step: (item: string) => Step<Input>;
}

export const forEach = <Input>(items: ForEach<Input>['items'], step: ForEach<Input>['step']): ForEach<Input> => ({
  items,
  step,
});

export interface OperationDefinition<Input = never> {
  readonly kind: string;
  /**
   * Raised when the steps change so that a build of before could not go on with them, or one of after with those begun before; a
   * worker leaves operations of a version it does not know alone. A step that is only added is compatible: what goes by the
   * names of steps runs it, or does without.
   */
  readonly version: number;
  readonly startedBy: VolumeEvent['type'];
  readonly resource: (input: Input) => Started['resource'];
  readonly projectId: (input: Input) => string;
  /** The pool that its next steps work on, as far as that is known: who holds its backend drives them. */
  readonly pool: (known: Pick<StepContext<Input>, 'output'> & { readonly input: Input }) => string | null;
  readonly steps: readonly (Step<Input> | ForEach<Input>)[];
  /** Failures of these steps go back to `from`, at most `attempts` passes in all. */
  readonly retry?: {
    readonly when: readonly string[];
    readonly from: string;
    readonly attempts: (services: OperationServices) => number;
  };
  /** Compensating events after everything is undone, and before parking. */
  readonly failed: readonly Step<Input>[];
}

/** Keeps the input's type within a definition, and forgets it outside. */
export const defineOperation = <Input>(definition: OperationDefinition<Input>): OperationDefinition =>
  definition as unknown as OperationDefinition;

/**
 * A step that could not be done. `retry`: `here` the same call may work later, `elsewhere` another pool may take it,
 * `never` it cannot be done.
 */
export class StepError extends Error {
  readonly reason: FailureReason;
  readonly retry: 'here' | 'elsewhere' | 'never';
  /** Nothing was tried yet, since somebody is away who is expected back: waited for longer than for what fails. */
  readonly patient: boolean;

  constructor(
    reason: FailureReason,
    retry: StepError['retry'],
    { patient = false, ...options }: ErrorOptions & { readonly patient?: boolean } = {},
  ) {
    super(reason.message, options);
    this.name = 'StepError';
    this.reason = reason;
    this.retry = retry;
    this.patient = patient;
  }
}

export type Action =
  | { readonly do: 'run'; readonly step: Step; readonly attempt: number; readonly intentRecorded: boolean }
  | { readonly do: 'undo'; readonly step: Step; readonly attempt: number }
  | { readonly do: 'record'; readonly events: readonly OperationEvent[] }
  | { readonly do: 'wait'; readonly until: Instant }
  | { readonly do: 'nothing' };

const isForEach = (part: Step | ForEach): part is ForEach => 'items' in part;

/** The steps of one operation, with `forEach` spread over its items. */
export const stepsFor = (definition: OperationDefinition, input: unknown): readonly Step[] =>
  definition.steps.flatMap((part) => (isForEach(part) ? part.items(input as never).map(part.step) : [part]));

/** `host@backend#pool` that the operation works on now, null where none is known yet. */
export const poolOf = (definition: OperationDefinition, operation: Operation): string | null =>
  operation.started === null
    ? null
    : definition.pool({
        input: operation.started.input as never,
        output: <T>(name: string) => stepOf(operation, name).output as T,
      });

/** What an operation does next. Pure: it goes by the names of the steps and by what has been recorded. */
export function next(definition: OperationDefinition, operation: Operation, now: Instant): Action {
  const { started, phase } = operation;
  if (started === null || phase === 'succeeded' || phase === 'failed' || phase === 'parked') return { do: 'nothing' };
  const { operationId } = started;
  const steps = stepsFor(definition, started.input);
  switch (phase) {
    case 'running':
      return firstToRun(steps, operation, now) ?? record({ type: 'OperationSucceeded', data: { operationId } });
    case 'undoing':
      return nextUndo(definition, steps, operation, operationId, now);
    case 'failing': {
      const reason = operation.reason ?? { code: 'Unknown', message: 'no reason was recorded' };
      return (
        firstToRun(definition.failed, operation, now) ??
        record({ type: 'OperationFailed', data: { operationId, reason } })
      );
    }
    default:
      phase satisfies never;
      return { do: 'nothing' };
  }
}

const record = (...events: readonly OperationEvent[]): Action => ({ do: 'record', events });

function firstToRun(steps: readonly Step[], operation: Operation, now: Instant): Action | null {
  for (const step of steps) {
    const state = stepOf(operation, step.name);
    if (state.status === 'done') continue;
    if (isAhead(state.retryAt, now)) return { do: 'wait', until: state.retryAt };
    const intentRecorded = state.status === 'running';
    return { do: 'run', step, attempt: intentRecorded ? state.attempt : state.attempt + 1, intentRecorded };
  }
  return null;
}

const wasTouched = (state: StepState): boolean => state.status !== 'pending' && state.status !== 'undone';

/**
 * The step that may have been run without a trace: a command is sent before anything is recorded of it, and a stop (or
 * the end of the process) may come before its outcome is.
 */
const mayHaveRun = (steps: readonly Step[], operation: Operation): Step | undefined => {
  const first = steps.find((step) => stepOf(operation, step.name).status !== 'done');
  return first?.effect === 'command' && stepOf(operation, first.name).status === 'pending' ? first : undefined;
};

function nextUndo(
  definition: OperationDefinition,
  steps: readonly Step[],
  operation: Operation,
  operationId: string,
  now: Instant,
): Action {
  const from = operation.undoFor === 'reschedule' ? steps.findIndex((step) => step.name === definition.retry?.from) : 0;
  const range = steps.slice(Math.max(from, 0));
  const doubtful = mayHaveRun(steps, operation);
  for (const step of range.toReversed()) {
    const state = stepOf(operation, step.name);
    if (step.undo === undefined || (step !== doubtful && !wasTouched(state))) continue;
    if (operation.abandoned && step.effect === 'world') continue;
    if (isAhead(state.retryAt, now)) return { do: 'wait', until: state.retryAt };
    return { do: 'undo', step, attempt: state.undoAttempt + 1 };
  }
  return operation.undoFor === 'reschedule'
    ? record({ type: 'OperationRescheduled', data: { operationId, steps: range.map((step) => step.name) } })
    : record({ type: 'UndoCompleted', data: { operationId } });
}

const BACK_OFF_FIRST_MS = 200;
const BACK_OFF_MOST_MS = 30_000;

/** Whether a time to try again is still to come; one too far ahead was set by a clock that has been put back since. */
const isAhead = (retryAt: Instant | null, now: Instant): retryAt is Instant =>
  retryAt !== null && retryAt > now && retryAt - now <= BACK_OFF_MOST_MS;

/** Waiting time before the n-th repeat, in ms. */
export const backOffMs = (failures: number): number =>
  Math.min(BACK_OFF_FIRST_MS * 2 ** (failures - 1), BACK_OFF_MOST_MS);

/** So often something is tried that waits for somebody who is away: about three minutes. */
const PATIENT_ATTEMPTS = 12;

/** What to record when a step failed: again here, another pass, undo everything, or (a compensation) park. */
export function afterFailure(
  definition: OperationDefinition,
  operation: Operation,
  step: Step,
  attempt: number,
  error: StepError,
  now: Instant,
  /** How many passes the definition's `retry` allows in all. */
  passes: number,
): readonly OperationEvent[] {
  const { operationId } = startedOf(operation);
  const failures = stepOf(operation, step.name).failures + 1;
  const failed = (followUp: 'again' | 'reschedule' | 'fail'): OperationEvent => ({
    type: 'StepFailed',
    data: {
      operationId,
      step: step.name,
      attempt,
      reason: error.reason,
      retryable: error.retry !== 'never',
      followUp,
      retryAt: followUp === 'again' ? now + backOffMs(failures) : null,
    },
  });
  const attempts = error.patient ? Math.max(step.attempts, PATIENT_ATTEMPTS) : step.attempts;
  // A stop ends going forward; marking the failure is tried as often as ever.
  const mayGoOn = operation.phase === 'failing' || operation.stopRequestedBy === null;
  if (error.retry === 'here' && failures < attempts && mayGoOn) return [failed('again')];
  if (operation.phase === 'failing') {
    return [failed('again'), { type: 'OperationParked', data: { operationId, reason: parked(error.reason) } }];
  }
  const { retry } = definition;
  const passesLeft = retry?.when.includes(step.name) && operation.reschedules + 1 < passes;
  return [failed(error.retry !== 'never' && passesLeft && operation.stopRequestedBy === null ? 'reschedule' : 'fail')];
}

const UNDO_ATTEMPTS = 6;

/** What to record when an undo failed: again later, or park. */
export function afterUndoFailure(
  operation: Operation,
  step: Step,
  attempt: number,
  error: StepError,
  now: Instant,
): readonly OperationEvent[] {
  const { operationId } = startedOf(operation);
  const failures = stepOf(operation, step.name).undoFailures + 1;
  const retryAt = now + backOffMs(failures);
  const undoFailed: OperationEvent = {
    type: 'UndoFailed',
    data: { operationId, step: step.name, attempt, reason: error.reason, retryAt },
  };
  if (failures < (error.patient ? PATIENT_ATTEMPTS : UNDO_ATTEMPTS)) return [undoFailed];
  return [
    undoFailed,
    { type: 'OperationParked', data: { operationId, reason: parked(error.reason, `undo of ${step.name}`) } },
  ];
}

const parked = (reason: FailureReason, what = 'compensation'): FailureReason => ({
  ...reason,
  message: `${what} does not work: ${reason.message}`,
});

export function startedOf(operation: Operation): Started {
  if (operation.started === null) throw new Error('an operation that has not started cannot make progress');
  return operation.started;
}

/** Types of the events that start operations, with their definitions. */
export const definitionsByEvent = (
  definitions: readonly OperationDefinition[],
): ReadonlyMap<DomainEvent['type'], OperationDefinition> =>
  new Map(definitions.map((definition) => [definition.startedBy, definition]));
