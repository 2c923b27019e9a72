import { describe, expect, it } from 'vitest';
import type { OperationEvent } from '../../src/domain/operation/events.ts';
import { evolveOperation, initialOperation, type Phase } from '../../src/domain/operation/state.ts';
import { type OperationDocument, operationsProjection } from '../../src/projections/operations.ts';
import { given } from './recorded.ts';

const operationId = 'op1';
const reason = { code: 'BackendFailed', message: 'the disk is gone' };

const started: OperationEvent = {
  type: 'OperationStarted',
  data: {
    operationId,
    kind: 'create-volume',
    version: 1,
    steps: ['place', 'claim', 'provision', 'publish'],
    projectId: 'p1',
    resource: { type: 'volume', id: 'v1', volumeId: 'v1' },
    input: { secret: 'of the event that started it' },
  },
};
const succeeded = (step: string): OperationEvent => ({
  type: 'StepSucceeded',
  data: { operationId, step, attempt: 1, output: null },
});
const failed = (followUp: 'again' | 'reschedule' | 'fail', retryAt: number | null = null): OperationEvent => ({
  type: 'StepFailed',
  data: { operationId, step: 'provision', attempt: 1, reason, retryable: true, followUp, retryAt },
});
const undone: OperationEvent = { type: 'UndoSucceeded', data: { operationId, step: 'claim', attempt: 1 } };
const rescheduled: OperationEvent = {
  type: 'OperationRescheduled',
  data: { operationId, steps: ['place', 'claim', 'provision'] },
};
const parked: OperationEvent = { type: 'OperationParked', data: { operationId, reason } };
const resumed = (action: 'retry' | 'abandon'): OperationEvent => ({
  type: 'OperationResumed',
  data: { operationId, action },
});
const stopRequested: OperationEvent = {
  type: 'OperationStopRequested',
  data: { operationId, by: 'op2', reason: 'the volume is deleted' },
};
const ended: OperationEvent = { type: 'OperationSucceeded', data: { operationId } };
const gaveUp: OperationEvent = { type: 'OperationFailed', data: { operationId, reason } };

const shown = (...events: readonly OperationEvent[]) =>
  given(operationsProjection, started, ...events).document(operationId) as OperationDocument | null;

describe('an operation', () => {
  it('is shown from its start, without what its steps were given', () => {
    expect(shown()).toEqual({
      id: 'op1',
      kind: 'create-volume',
      projectId: 'p1',
      userId: 'alice',
      resourceType: 'volume',
      resourceId: 'v1',
      volumeId: 'v1',
      status: 'running',
      parkedFrom: null,
      steps: ['place', 'claim', 'provision', 'publish'],
      step: 'place',
      reason: null,
      retryAt: null,
      requestId: 'req-1',
      createdAt: 1,
      startedAt: 1,
      endedAt: null,
      timeline: [{ at: 1, event: 'OperationStarted', step: null, attempt: null, reason: null }],
    });
    expect(JSON.stringify(shown())).not.toContain('secret');
  });

  it('says which step it is at, and when a failed one is tried again', () => {
    expect(shown(succeeded('place'), succeeded('claim'))).toMatchObject({ status: 'running', step: 'claim' });
    expect(shown(failed('again', 99))).toMatchObject({ status: 'running', step: 'provision', retryAt: 99, reason });
  });

  it('ends', () => {
    expect(shown(succeeded('publish'), ended)).toMatchObject({
      status: 'succeeded',
      endedAt: 3,
      step: null,
      reason: null,
    });
    expect(shown(failed('fail'), undone, gaveUp)).toMatchObject({ status: 'failed', endedAt: 4, step: null, reason });
  });

  it('has a timeline that says what happened when and why', () => {
    expect(shown(failed('fail'), stopRequested)?.timeline.slice(1)).toEqual([
      { at: 2, event: 'StepFailed', step: 'provision', attempt: 1, reason: 'the disk is gone' },
      { at: 3, event: 'OperationStopRequested', step: null, attempt: null, reason: 'the volume is deleted' },
    ]);
  });

  it('keeps the beginning and the end of a timeline that grows without end', () => {
    const timeline = shown(...Array.from({ length: 1_000 }, () => failed('again', 1)))?.timeline ?? [];
    expect(timeline).toHaveLength(200);
    expect(timeline[0]).toMatchObject({ at: 1, event: 'OperationStarted' });
    expect(timeline.at(-1)).toMatchObject({ at: 1_001 });
  });

  const histories: Readonly<Record<string, readonly OperationEvent[]>> = {
    running: [succeeded('place')],
    'tried again': [failed('again', 5)],
    'undone to go on elsewhere': [failed('reschedule'), undone],
    'gone on elsewhere': [failed('reschedule'), undone, rescheduled],
    'undone for good': [failed('fail'), undone],
    stopped: [stopRequested],
    parked: [parked],
    'retried after parking': [parked, resumed('retry')],
    'retried after parking while undone': [failed('fail'), parked, resumed('retry')],
    abandoned: [parked, resumed('abandon')],
    'stopped while parked': [parked, stopRequested],
    succeeded: [succeeded('publish'), ended],
    failed: [failed('fail'), undone, gaveUp],
  };
  const statusOf: Readonly<Record<Phase, OperationDocument['status']>> = {
    running: 'running',
    undoing: 'undoing',
    failing: 'undoing',
    parked: 'parked',
    succeeded: 'succeeded',
    failed: 'failed',
  };

  for (const [name, history] of Object.entries(histories)) {
    it(`shows the phase that its owner sees: ${name}`, () => {
      const { phase } = [started, ...history].reduce(evolveOperation, initialOperation);
      expect(shown(...history)?.status).toBe(statusOf[phase]);
    });
  }
});
