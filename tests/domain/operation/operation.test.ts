import { describe, expect, it } from 'vitest';
import { hasEnded, type OperationEvent, operationDecider, stepOf } from '../../../src/domain/operation/index.ts';
import { givenDecider } from '../given-when-then.ts';

const operationId = 'op1';
const reason = { code: 'BackendFailed', message: 'disk on fire' };
const startedData = {
  operationId,
  kind: 'build',
  version: 1,
  steps: ['a', 'b'],
  projectId: 'p1',
  resource: { type: 'volume' as const, id: 'v1', volumeId: 'v1' },
  input: { size: 1 },
};
const started: OperationEvent = { type: 'OperationStarted', data: startedData };
const begun = (step: string, attempt = 1): OperationEvent => ({
  type: 'StepStarted',
  data: { operationId, step, attempt, input: { step } },
});
const done = (step: string, output: unknown = null, attempt = 1): OperationEvent => ({
  type: 'StepSucceeded',
  data: { operationId, step, attempt, output },
});
const failed = (
  step: string,
  followUp: 'again' | 'reschedule' | 'fail',
  retryAt: number | null = null,
): OperationEvent => ({
  type: 'StepFailed',
  data: { operationId, step, attempt: 1, reason, retryable: true, followUp, retryAt },
});
const undoBegun: OperationEvent = { type: 'UndoStarted', data: { operationId, step: 'a', attempt: 1 } };
const undoFailed: OperationEvent = {
  type: 'UndoFailed',
  data: { operationId, step: 'a', attempt: 1, reason, retryAt: 9 },
};
const undone: OperationEvent = { type: 'UndoSucceeded', data: { operationId, step: 'a', attempt: 2 } };
const rescheduled: OperationEvent = { type: 'OperationRescheduled', data: { operationId, steps: ['a', 'b'] } };
const undoCompleted: OperationEvent = { type: 'UndoCompleted', data: { operationId } };
const succeeded: OperationEvent = { type: 'OperationSucceeded', data: { operationId } };
const ended: OperationEvent = { type: 'OperationFailed', data: { operationId, reason } };
const parked: OperationEvent = { type: 'OperationParked', data: { operationId, reason } };
const resumed = (action: 'retry' | 'abandon'): OperationEvent => ({
  type: 'OperationResumed',
  data: { operationId, action },
});
const stop: OperationEvent = {
  type: 'OperationStopRequested',
  data: { operationId, by: 'other', reason: 'taken over' },
};

const { given } = givenDecider(operationDecider);
const stateAfter = (...events: readonly OperationEvent[]) => given(...events).state;

describe('starting an operation', () => {
  it('records the start and what rode along', () => {
    given()
      .when({ type: 'StartOperation', started: startedData, progress: [done('a')] })
      .then(started, done('a'));
  });

  it('happens once', () => {
    given(started).when({ type: 'StartOperation', started: startedData, progress: [] }).thenNothing();
  });
});

describe('progress', () => {
  it('is recorded on what was seen', () => {
    given(started)
      .when({ type: 'RecordProgress', seen: 1, progress: [begun('a')] })
      .then(begun('a'));
  });

  it('is refused when the operation has moved on, or has ended', () => {
    given(started, stop)
      .when({ type: 'RecordProgress', seen: 1, progress: [begun('a')] })
      .thenRejected('TryAgain');
    given(started, succeeded)
      .when({ type: 'RecordProgress', seen: 2, progress: [done('a')] })
      .thenRejected('TryAgain');
  });
});

describe('a stop', () => {
  const command = { type: 'RequestStop', operationId, by: 'other', reason: 'taken over' } as const;

  it('is recorded, also before the operation has started', () => {
    given(started).when(command).then(stop);
    given().when(command).then(stop);
  });

  it('is nothing when it was asked for already, or the operation has ended', () => {
    given(started, stop).when(command).thenNothing();
    given(started, ended).when(command).thenNothing();
    given(started, succeeded).when(command).thenNothing();
  });

  it('makes a running operation undo, with the reason of the stop', () => {
    expect(stateAfter(started, stop)).toMatchObject({ phase: 'undoing', undoFor: 'fail', reason: { code: 'Stopped' } });
  });

  it('keeps the first reason of an operation that was undoing already', () => {
    expect(stateAfter(started, failed('a', 'reschedule'), stop)).toMatchObject({ undoFor: 'fail', reason });
  });

  it('lets an operation that is failing, or has ended, be', () => {
    expect(stateAfter(started, failed('a', 'fail'), undoCompleted, stop).phase).toBe('failing');
    expect(stateAfter(started, succeeded, stop).phase).toBe('succeeded');
  });

  it('gives a parked operation another chance to undo', () => {
    const state = stateAfter(started, done('a'), failed('b', 'fail'), undoFailed, parked, stop);
    expect(state).toMatchObject({ phase: 'undoing', parkedFrom: null });
    expect(stepOf(state, 'a')).toMatchObject({ undoFailures: 0, retryAt: null });
  });
});

describe('resuming', () => {
  it.each(['retry', 'abandon'] as const)('%s is recorded for a parked operation', (action) => {
    given(started, parked).when({ type: 'ResumeOperation', action }).then(resumed(action));
  });

  it('is refused for an operation that is not parked, and for one that is not there', () => {
    given(started).when({ type: 'ResumeOperation', action: 'retry' }).thenRejected('OperationNotParked', 'retried');
    given(started).when({ type: 'ResumeOperation', action: 'abandon' }).thenRejected('OperationNotParked', 'abandoned');
    given().when({ type: 'ResumeOperation', action: 'retry' }).thenRejected('OperationNotFound');
  });

  it('retry goes on in the phase in which it was parked', () => {
    expect(stateAfter(started, parked, resumed('retry')).phase).toBe('running');
    expect(stateAfter(started, failed('a', 'fail'), parked, resumed('retry')).phase).toBe('undoing');
    expect(stateAfter(started, failed('a', 'fail'), undoCompleted, parked, resumed('retry')).phase).toBe('failing');
  });

  it('abandon gives up what was running, undoing or failing', () => {
    expect(stateAfter(started, parked, resumed('abandon'))).toMatchObject({
      phase: 'undoing',
      undoFor: 'fail',
      abandoned: true,
    });
    const rescheduling = stateAfter(started, failed('a', 'reschedule'), parked, resumed('abandon'));
    expect(rescheduling).toMatchObject({ phase: 'undoing', undoFor: 'fail', abandoned: true });
    const failing = stateAfter(stop, started, { ...undoCompleted }, parked, resumed('abandon'));
    expect(failing).toMatchObject({ phase: 'failing', abandoned: true });
  });

  it('counts as running where an operation was parked twice', () => {
    expect(stateAfter(started, parked, parked, resumed('retry')).phase).toBe('running');
  });

  it('abandon of a failing operation that undid nothing has nothing to undo', () => {
    const state = stateAfter(started, undoCompleted, parked, resumed('abandon'));
    expect(state).toMatchObject({ phase: 'failing', undoFor: null, abandoned: true });
  });
});

describe('the steps of an operation', () => {
  it('are pending until something is recorded of them', () => {
    expect(stepOf(stateAfter(started), 'a')).toMatchObject({ status: 'pending', attempt: 0 });
  });

  it('keep the intent, the attempt and the output', () => {
    expect(stepOf(stateAfter(started, begun('a')), 'a')).toMatchObject({ status: 'running', input: { step: 'a' } });
    const state = stateAfter(started, begun('a'), done('a', { pool: 'x' }));
    expect(stepOf(state, 'a')).toMatchObject({ status: 'done', output: { pool: 'x' }, input: { step: 'a' } });
  });

  it('count failures, and wait', () => {
    const state = stateAfter(started, failed('a', 'again', 5), failed('a', 'again', 7));
    expect(state.phase).toBe('running');
    expect(stepOf(state, 'a')).toMatchObject({ status: 'failed', failures: 2, retryAt: 7 });
  });

  it('are undone, after failures too', () => {
    const undoing = stateAfter(started, done('a'), failed('b', 'fail'), undoBegun);
    expect(stepOf(undoing, 'a')).toMatchObject({ status: 'undoing', undoAttempt: 1 });
    expect(stepOf(stateAfter(started, done('a'), failed('b', 'fail'), undoBegun, undoFailed), 'a')).toMatchObject({
      undoFailures: 1,
      retryAt: 9,
    });
    const state = stateAfter(started, done('a'), failed('b', 'fail'), undoBegun, undoFailed, undone);
    expect(stepOf(state, 'a')).toMatchObject({ status: 'undone', undoAttempt: 2, undoFailures: 0, retryAt: null });
  });

  it('go back to pending for another pass, with what they gave before remembered', () => {
    const pass = [done('a', 'first'), failed('b', 'reschedule'), rescheduled];
    const state = stateAfter(started, ...pass);
    expect(state).toMatchObject({ phase: 'running', undoFor: null, reschedules: 1, earlierOutputs: { a: ['first'] } });
    expect(stepOf(state, 'a')).toMatchObject({ status: 'pending', attempt: 1 });
    const again = stateAfter(started, ...pass, done('a', 'second', 2), failed('b', 'reschedule'), rescheduled);
    expect(again.earlierOutputs).toEqual({ a: ['first', 'second'] });
  });
});

describe('the end of an operation', () => {
  it('is success or failure with its reason', () => {
    expect(hasEnded(stateAfter(started, succeeded))).toBe(true);
    expect(hasEnded(stateAfter(started))).toBe(false);
    expect(stateAfter(started, failed('a', 'fail'), undoCompleted, ended)).toMatchObject({ phase: 'failed', reason });
  });

  it('an event of another build changes nothing but what was seen', () => {
    const unknown = { type: 'SomethingNew', data: {} } as unknown as OperationEvent;
    expect(stateAfter(started, unknown)).toEqual({ ...stateAfter(started), seen: 2 });
  });
});
