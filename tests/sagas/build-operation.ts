import { type Operation, type OperationEvent, operationDecider } from '../../src/domain/operation/index.ts';
import { defineOperation, forEach, next, type OperationDefinition, type Step } from '../../src/sagas/operation.ts';

export const NOW = 1_000_000;
export const PASSES = 3;
export const operationId = '11111111-1111-5111-8111-111111111111';
export const reason = { code: 'BackendFailed', message: 'disk on fire' };

export const step = (name: string, extra: Partial<Step<never>> = {}): Step<never> => ({
  name,
  effect: 'command',
  timeoutMs: 1_000,
  attempts: 3,
  run: async () => undefined,
  ...extra,
});
export const undoable = (name: string, extra: Partial<Step<never>> = {}): Step<never> =>
  step(name, { undo: async () => undefined, ...extra });

export const definition: OperationDefinition = defineOperation<{ items?: readonly string[] }>({
  kind: 'build',
  version: 1,
  startedBy: 'VolumeCreationRequested',
  projectId: () => 'p',
  resource: () => ({ type: 'volume', id: 'v', volumeId: 'v' }),
  pool: () => null,
  steps: [
    undoable('pin'),
    step('place', { effect: 'none' }),
    undoable('claim'),
    forEach(
      (input) => input.items ?? [],
      (item) => step(`copy:${item}`, { effect: 'world' }),
    ),
    undoable('provision', { effect: 'world' }),
    step('publish'),
  ],
  retry: { when: ['claim', 'provision'], from: 'place', attempts: () => PASSES },
  failed: [step('mark-error')],
});

export const started = (items: readonly string[] = []): OperationEvent => ({
  type: 'OperationStarted',
  data: {
    operationId,
    kind: 'build',
    version: 1,
    steps: [],
    projectId: 'p',
    resource: { type: 'volume', id: 'v', volumeId: 'v' },
    input: { items },
  },
});
export const done = (name: string, output: unknown = null, attempt = 1): OperationEvent => ({
  type: 'StepSucceeded',
  data: { operationId, step: name, attempt, output },
});
export const begun = (name: string, attempt = 1): OperationEvent => ({
  type: 'StepStarted',
  data: { operationId, step: name, attempt, input: { name } },
});
export const failed = (
  name: string,
  followUp: 'again' | 'reschedule' | 'fail',
  attempt = 1,
  retryAt: number | null = null,
): OperationEvent => ({
  type: 'StepFailed',
  data: { operationId, step: name, attempt, reason, retryable: true, followUp, retryAt },
});
export const undone = (name: string, attempt = 1): OperationEvent => ({
  type: 'UndoSucceeded',
  data: { operationId, step: name, attempt },
});
export const stop: OperationEvent = {
  type: 'OperationStopRequested',
  data: { operationId, by: 'other', reason: 'taken over' },
};

export const given = (...events: readonly OperationEvent[]): Operation =>
  events.reduce(operationDecider.evolve, operationDecider.initial);
export const nextOf = (operation: Operation): string => {
  const action = next(definition, operation, NOW);
  if (action.do === 'run' || action.do === 'undo') return `${action.do} ${action.step.name} ${action.attempt}`;
  if (action.do === 'record') return `record ${action.events.map(({ type }) => type).join()}`;
  return action.do === 'wait' ? `wait until ${action.until}` : action.do;
};
