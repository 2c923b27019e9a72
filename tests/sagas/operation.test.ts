import { describe, expect, it } from 'vitest';
import { type Operation, type OperationEvent, operationDecider } from '../../src/domain/operation/index.ts';
import { next } from '../../src/sagas/operation.ts';
import {
  begun,
  definition,
  done,
  failed,
  given,
  NOW,
  nextOf,
  operationId,
  reason,
  started,
  stop,
  undone,
} from './build-operation.ts';

describe('an operation that goes well', () => {
  it('runs its steps in their order, each once, and ends', () => {
    const names = ['pin', 'place', 'claim', 'provision', 'publish'];
    const events: OperationEvent[] = [started()];
    for (const name of names) {
      expect(nextOf(given(...events))).toBe(`run ${name} 1`);
      events.push(done(name));
    }
    expect(nextOf(given(...events))).toBe('record OperationSucceeded');
    expect(nextOf(given(...events, { type: 'OperationSucceeded', data: { operationId } }))).toBe('nothing');
  });

  it('runs a step once for each item of its input', () => {
    const events = [started(['a', 'b']), done('pin'), done('place'), done('claim')];
    expect(nextOf(given(...events))).toBe('run copy:a 1');
    expect(nextOf(given(...events, done('copy:a')))).toBe('run copy:b 1');
    expect(nextOf(given(...events, done('copy:a'), done('copy:b')))).toBe('run provision 1');
  });

  it('does nothing before it has started', () => {
    expect(nextOf(operationDecider.initial)).toBe('nothing');
  });
});

describe('an operation after a crash', () => {
  it('runs the step it was in again, as the same attempt', () => {
    const operation = given(started(), done('pin'), done('place'), done('claim'), begun('provision'));
    expect(next(definition, operation, NOW)).toMatchObject({ do: 'run', attempt: 1, intentRecorded: true });
  });
});

describe('an operation whose step fails', () => {
  const before = [started(), done('pin'), done('place', { pool: 'a' }), done('claim'), begun('provision')];

  it('waits, then tries the step again as another attempt', () => {
    const later = given(...before, failed('provision', 'again', 1, NOW + 5));
    expect(nextOf(later)).toBe(`wait until ${NOW + 5}`);
    expect(next(definition, later, NOW + 5)).toMatchObject({ do: 'run', attempt: 2, intentRecorded: false });
  });

  it('undoes in reverse as far as the retry point, then goes forward again and remembers what it tried', () => {
    const events = [...before, failed('provision', 'reschedule')];
    expect(nextOf(given(...events))).toBe('undo provision 1');
    events.push(undone('provision'));
    expect(nextOf(given(...events))).toBe('undo claim 1');
    events.push(undone('claim'));
    const action = next(definition, given(...events), NOW);
    expect(action).toMatchObject({ do: 'record', events: [{ type: 'OperationRescheduled' }] });
    if (action.do === 'record') events.push(...action.events);
    const again = given(...events);
    expect(nextOf(again)).toBe('run place 2');
    expect(again.earlierOutputs.place).toEqual([{ pool: 'a' }]);
    expect(nextOf(given(...events, done('place', { pool: 'b' }, 2)))).toBe('run claim 2');
  });

  it('undoes everything that was touched, marks the failure, and ends as failed with the reason', () => {
    const events = [...before, failed('provision', 'fail')];
    for (const name of ['provision', 'claim', 'pin']) {
      expect(nextOf(given(...events))).toBe(`undo ${name} 1`);
      events.push(undone(name));
    }
    expect(nextOf(given(...events))).toBe('record UndoCompleted');
    events.push({ type: 'UndoCompleted', data: { operationId } });
    expect(nextOf(given(...events))).toBe('run mark-error 1');
    events.push(done('mark-error'));
    expect(next(definition, given(...events), NOW)).toEqual({
      do: 'record',
      events: [{ type: 'OperationFailed', data: { operationId, reason } }],
    });
  });

  it('does not undo a step that was never begun', () => {
    expect(nextOf(given(started(), done('pin'), failed('place', 'fail')))).toBe('undo pin 1');
  });

  it('waits before it tries an undo again', () => {
    const undoFailed: OperationEvent = {
      type: 'UndoFailed',
      data: { operationId, step: 'provision', attempt: 1, reason, retryAt: NOW + 9 },
    };
    const operation = given(...before, failed('provision', 'fail'), undoFailed);
    expect(nextOf(operation)).toBe(`wait until ${NOW + 9}`);
    expect(next(definition, operation, NOW + 9)).toMatchObject({ do: 'undo', attempt: 2 });
  });
});

describe('an operation that is told to stop', () => {
  it('undoes what it has begun, also the step that was under way', () => {
    const operation = given(started(), done('pin'), done('place'), done('claim'), begun('provision'), stop);
    expect(nextOf(operation)).toBe('undo provision 1');
    expect(operation.reason).toEqual({ code: 'Stopped', message: 'taken over' });
  });

  it('undoes the command that it may have sent: of that nothing is recorded before its outcome', () => {
    const operation = given(started(), done('pin'), done('place'), stop);
    expect(nextOf(operation)).toBe('undo claim 1');
    expect(nextOf(operationDecider.evolve(operation, undone('claim')))).toBe('undo pin 1');
    const untouched = given(started(), done('pin'), done('place'), done('claim'), stop);
    expect(nextOf(untouched)).toBe('undo claim 1');
  });

  it('goes on failing when it was failing already, and stays ended when it had ended', () => {
    const failing = given(started(), failed('pin', 'fail'), undone('pin'), {
      type: 'UndoCompleted',
      data: { operationId },
    });
    expect(nextOf(operationDecider.evolve(failing, stop))).toBe('run mark-error 1');
    const ended = given(started(), { type: 'OperationSucceeded', data: { operationId } }, stop);
    expect(nextOf(ended)).toBe('nothing');
  });

  it('is told once, however often a take-over asks', () => {
    const asked = operationDecider.decide(
      { type: 'RequestStop', operationId, by: 'other', reason: 'r' },
      given(started(), stop),
      NOW,
    );
    expect(asked).toEqual({ kind: 'accepted', events: [] });
  });

  it('starts only to be undone when it is told before it has started', () => {
    const told = operationDecider.decide({ type: 'RequestStop', operationId, by: 'other', reason: 'r' }, given(), NOW);
    expect(told).toMatchObject({ kind: 'accepted', events: [{ type: 'OperationStopRequested' }] });
    expect(nextOf(given(stop))).toBe('nothing');
    expect(nextOf(given(stop, started()))).toBe('undo pin 1');
    expect(nextOf(given(stop, started(), undone('pin')))).toBe('record UndoCompleted');
  });
});

describe('a parked operation', () => {
  const parkedIn = (...events: readonly OperationEvent[]): Operation =>
    given(started(), done('pin'), done('place'), done('claim'), begun('provision'), ...events, {
      type: 'OperationParked',
      data: { operationId, reason },
    });
  const resumed = (action: 'retry' | 'abandon'): OperationEvent => ({
    type: 'OperationResumed',
    data: { operationId, action },
  });

  it('does nothing by itself', () => {
    expect(nextOf(parkedIn(failed('provision', 'fail')))).toBe('nothing');
  });

  it('goes on where it stopped when an operator retries it', () => {
    expect(nextOf(operationDecider.evolve(parkedIn(failed('provision', 'fail')), resumed('retry')))).toBe(
      'undo provision 1',
    );
    expect(nextOf(operationDecider.evolve(parkedIn(), resumed('retry')))).toBe('run provision 1');
  });

  it('gives up the backend but still returns the claim when an operator abandons it', () => {
    expect(nextOf(operationDecider.evolve(parkedIn(failed('provision', 'fail')), resumed('abandon')))).toBe(
      'undo claim 1',
    );
    expect(nextOf(operationDecider.evolve(parkedIn(), resumed('abandon')))).toBe('undo claim 1');
  });

  it('undoes once more when another operation takes over', () => {
    expect(nextOf(operationDecider.evolve(parkedIn(failed('provision', 'fail')), stop))).toBe('undo provision 1');
  });

  it('is the only kind that an operator may resume', () => {
    const refused = operationDecider.decide({ type: 'ResumeOperation', action: 'retry' }, given(started()), NOW);
    expect(refused).toMatchObject({ kind: 'rejected', rejection: { code: 'OperationNotParked' } });
    const unknown = operationDecider.decide(
      { type: 'ResumeOperation', action: 'abandon' },
      operationDecider.initial,
      NOW,
    );
    expect(unknown).toMatchObject({ kind: 'rejected', rejection: { code: 'OperationNotFound' } });
  });
});

describe('progress', () => {
  it('is recorded only on what its sender has seen', () => {
    const operation = given(started(), done('pin'));
    const progress = [done('place')];
    expect(operationDecider.decide({ type: 'RecordProgress', seen: 2, progress }, operation, NOW)).toEqual({
      kind: 'accepted',
      events: progress,
    });
    expect(operationDecider.decide({ type: 'RecordProgress', seen: 1, progress }, operation, NOW)).toMatchObject({
      kind: 'rejected',
    });
  });

  it('starts an operation once', () => {
    const event = started();
    if (event.type !== 'OperationStarted') throw new Error('unreachable');
    const command = { type: 'StartOperation', started: event.data, progress: [done('pin')] } as const;
    const decision = operationDecider.decide(command, operationDecider.initial, NOW);
    expect(decision).toMatchObject({
      kind: 'accepted',
      events: [{ type: 'OperationStarted' }, { type: 'StepSucceeded' }],
    });
    expect(operationDecider.decide(command, given(event), NOW)).toEqual({ kind: 'accepted', events: [] });
  });
});
