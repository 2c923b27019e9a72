import type { Instant } from '../kernel/units.ts';
import type { FailureReason } from '../volume/events.ts';
import type { OperationEvent } from './events.ts';

export type StepStatus = 'pending' | 'running' | 'done' | 'failed' | 'undoing' | 'undone';

/** One step as its events left it. Attempts are counted over the whole operation, so that each has its own id. */
export interface StepState {
  readonly status: StepStatus;
  readonly attempt: number;
  readonly undoAttempt: number;
  /** Failures since the step was begun anew; back-off and the limit of attempts go by it. */
  readonly failures: number;
  readonly undoFailures: number;
  readonly input: unknown;
  readonly output: unknown;
  readonly retryAt: Instant | null;
}

export interface Started {
  readonly operationId: string;
  readonly kind: string;
  readonly version: number;
  readonly steps: readonly string[];
  readonly projectId: string;
  readonly resource: {
    readonly type: 'volume' | 'snapshot' | 'transfer';
    readonly id: string;
    readonly volumeId: string;
  };
  readonly input: unknown;
}

/** Where an operation stands. `undoing` ends in another pass (a failure with `followUp: 'reschedule'`) or in `failing`. */
export type Phase = 'running' | 'undoing' | 'failing' | 'parked' | 'succeeded' | 'failed';

export interface Operation {
  readonly started: Started | null;
  readonly phase: Phase;
  /** Phase to go on in after an operator resumes it. */
  readonly parkedFrom: 'running' | 'undoing' | 'failing' | null;
  /** Why it is being undone, or was parked. */
  readonly reason: FailureReason | null;
  /** `reschedule`: undo as far as the retry point, then go forward again. */
  readonly undoFor: 'reschedule' | 'fail' | null;
  readonly stopRequestedBy: string | null;
  /** An operator gave up on undoing what does not want to be undone. */
  readonly abandoned: boolean;
  readonly steps: Readonly<Record<string, StepState>>;
  /** Outputs of earlier passes by step: the pools that were tried. */
  readonly earlierOutputs: Readonly<Record<string, readonly unknown[]>>;
  /** How often it went back to the retry point. */
  readonly reschedules: number;
  /** Events folded so far: progress is recorded only on what was seen. */
  readonly seen: number;
}

export const initialOperation: Operation = {
  started: null,
  phase: 'running',
  parkedFrom: null,
  reason: null,
  undoFor: null,
  stopRequestedBy: null,
  abandoned: false,
  steps: {},
  earlierOutputs: {},
  reschedules: 0,
  seen: 0,
};

const pendingStep: StepState = {
  status: 'pending',
  attempt: 0,
  undoAttempt: 0,
  failures: 0,
  undoFailures: 0,
  input: undefined,
  output: undefined,
  retryAt: null,
};

export const stepOf = (operation: Operation, step: string): StepState => operation.steps[step] ?? pendingStep;

export const hasEnded = (operation: Operation): boolean =>
  operation.phase === 'succeeded' || operation.phase === 'failed';

/** Folds one event; never throws. */
export function evolveOperation(operation: Operation, event: OperationEvent): Operation {
  return { ...fold(operation, event), seen: operation.seen + 1 };
}

function withStep(operation: Operation, step: string, change: Partial<StepState>): Operation {
  return { ...operation, steps: { ...operation.steps, [step]: { ...stepOf(operation, step), ...change } } };
}

function fold(operation: Operation, event: OperationEvent): Operation {
  switch (event.type) {
    case 'OperationStarted':
      return { ...operation, started: event.data };
    case 'StepStarted':
      return withStep(operation, event.data.step, {
        status: 'running',
        attempt: event.data.attempt,
        input: event.data.input,
        retryAt: null,
      });
    case 'StepSucceeded':
      return withStep(operation, event.data.step, {
        status: 'done',
        attempt: event.data.attempt,
        output: event.data.output,
        failures: 0,
        retryAt: null,
      });
    case 'StepFailed': {
      const { step, attempt, reason, followUp, retryAt } = event.data;
      const failures = stepOf(operation, step).failures + 1;
      const failed = withStep(operation, step, { status: 'failed', attempt, failures, retryAt });
      if (followUp === 'again') return failed;
      return { ...failed, phase: 'undoing', undoFor: followUp, reason };
    }
    case 'UndoStarted':
      return withStep(operation, event.data.step, {
        status: 'undoing',
        undoAttempt: event.data.attempt,
        retryAt: null,
      });
    case 'UndoSucceeded':
      return withStep(operation, event.data.step, {
        status: 'undone',
        undoAttempt: event.data.attempt,
        failures: 0,
        undoFailures: 0,
        retryAt: null,
      });
    case 'UndoFailed': {
      const { step, attempt, retryAt } = event.data;
      const undoFailures = stepOf(operation, step).undoFailures + 1;
      return withStep(operation, step, { status: 'undoing', undoAttempt: attempt, undoFailures, retryAt });
    }
    case 'OperationRescheduled':
      return reschedule(operation, event.data.steps);
    case 'OperationStopRequested':
      return foldStop(operation, event.data.by, event.data.reason);
    case 'UndoCompleted':
      return { ...operation, phase: 'failing' };
    case 'OperationSucceeded':
      return { ...operation, phase: 'succeeded' };
    case 'OperationFailed':
      return { ...operation, phase: 'failed', reason: event.data.reason };
    case 'OperationParked':
      return { ...operation, phase: 'parked', parkedFrom: activePhase(operation), reason: event.data.reason };
    case 'OperationResumed':
      return foldResumed(operation, event.data.action);
    default:
      event satisfies never;
      return operation;
  }
}

function activePhase(operation: Operation): Operation['parkedFrom'] {
  const { phase } = operation;
  return phase === 'running' || phase === 'undoing' || phase === 'failing' ? phase : null;
}

/** The steps to do over go back to pending; what they gave before is remembered. */
function reschedule(operation: Operation, steps: readonly string[]): Operation {
  const over: Record<string, StepState> = {};
  const earlierOutputs: Record<string, readonly unknown[]> = { ...operation.earlierOutputs };
  for (const name of steps) {
    const step = stepOf(operation, name);
    over[name] = { ...step, status: 'pending', output: undefined, input: undefined, failures: 0, retryAt: null };
    if (step.output !== undefined) earlierOutputs[name] = [...(earlierOutputs[name] ?? []), step.output];
  }
  return {
    ...operation,
    phase: 'running',
    undoFor: null,
    steps: { ...operation.steps, ...over },
    earlierOutputs,
    reschedules: operation.reschedules + 1,
  };
}

function foldStop(operation: Operation, by: string, message: string): Operation {
  const stopped = { ...operation, stopRequestedBy: by };
  if (operation.phase === 'failing' || hasEnded(operation)) return stopped;
  const reason = operation.reason ?? { code: 'Stopped', message };
  const next: Operation = { ...stopped, phase: 'undoing', undoFor: 'fail', reason };
  return operation.phase === 'parked' ? withFreshFailures({ ...next, parkedFrom: null }) : next;
}

function foldResumed(operation: Operation, action: 'retry' | 'abandon'): Operation {
  const resumed = withFreshFailures({ ...operation, phase: operation.parkedFrom ?? 'running', parkedFrom: null });
  if (action === 'retry') return resumed;
  const undoing =
    resumed.phase === 'running' ? { ...resumed, phase: 'undoing' as const, undoFor: 'fail' as const } : resumed;
  return { ...undoing, undoFor: undoing.undoFor === null ? null : 'fail', abandoned: true };
}

function withFreshFailures(operation: Operation): Operation {
  const steps = Object.fromEntries(
    Object.entries(operation.steps).map(([name, step]) => [
      name,
      { ...step, failures: 0, undoFailures: 0, retryAt: null },
    ]),
  );
  return { ...operation, steps };
}
