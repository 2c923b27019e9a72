import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operationEvents } from '../../src/domain/operation/events.ts';
import {
  hasEnded,
  type Operation,
  type OperationEvent,
  operationDecider,
  stepOf,
} from '../../src/domain/operation/index.ts';
import { afterFailure, afterUndoFailure, backOffMs, next, StepError, untilDone } from '../../src/sagas/operation.ts';
import {
  begun,
  definition,
  done,
  failed,
  given,
  NOW,
  nextOf,
  operationId,
  PASSES,
  reason,
  started,
  step,
  stop,
  undoable,
  undone,
} from './build-operation.ts';

describe('what is recorded of a failure', () => {
  const followUps = (events: readonly OperationEvent[]): readonly string[] =>
    events.map((event) => (event.type === 'StepFailed' ? event.data.followUp : event.type));
  const operation = given(started(), done('pin'), done('place'), done('claim'), begun('provision'));
  const provision = undoable('provision', { effect: 'world', attempts: 2 });
  const error = (retry: StepError['retry']): StepError => new StepError(reason, retry);

  it('here: again with back-off, until the attempts are used up; then elsewhere', () => {
    const first = afterFailure(definition, operation, provision, 1, error('here'), NOW, PASSES);
    expect(first).toMatchObject([{ data: { followUp: 'again', retryAt: NOW + backOffMs(1) } }]);
    const once = given(started(), done('pin'), done('place'), done('claim'), begun('provision'), ...first);
    expect(followUps(afterFailure(definition, once, provision, 2, error('here'), NOW, PASSES))).toEqual(['reschedule']);
  });

  it('elsewhere: another pass where the definition has one, and only so often', () => {
    expect(followUps(afterFailure(definition, operation, provision, 1, error('elsewhere'), NOW, PASSES))).toEqual([
      'reschedule',
    ]);
    const used = { ...operation, reschedules: 2 };
    expect(followUps(afterFailure(definition, used, provision, 3, error('elsewhere'), NOW, PASSES))).toEqual(['fail']);
    expect(followUps(afterFailure(definition, operation, step('publish'), 1, error('elsewhere'), NOW, PASSES))).toEqual(
      ['fail'],
    );
  });

  it('never, or told to stop: everything is undone', () => {
    expect(followUps(afterFailure(definition, operation, provision, 1, error('never'), NOW, PASSES))).toEqual(['fail']);
    const stopped = operationDecider.evolve(operation, stop);
    expect(followUps(afterFailure(definition, stopped, provision, 1, error('here'), NOW, PASSES))).toEqual(['fail']);
  });

  it('a compensation that does not work parks the operation', () => {
    const failing = given(started(), failed('pin', 'fail'), undone('pin'), {
      type: 'UndoCompleted',
      data: { operationId },
    });
    expect(followUps(afterFailure(definition, failing, step('mark-error'), 1, error('never'), NOW, PASSES))).toEqual([
      'again',
      'OperationParked',
    ]);
  });

  it('a backend without a worker is waited for longer than what fails, also by an undo', () => {
    const away = new StepError(reason, 'here', { patient: true });
    let waiting = operation;
    let attempts = 0;
    for (let events: readonly OperationEvent[] = []; followUps(events)[0] !== 'reschedule'; attempts += 1) {
      events = afterFailure(definition, waiting, provision, attempts + 1, away, NOW, PASSES);
      waiting = events.reduce(operationDecider.evolve, waiting);
    }
    expect(attempts).toBe(12);
    const undoing = given(started(), done('pin'), begun('provision'), failed('provision', 'fail'));
    const sixTimes = Array.from({ length: 6 }).reduce<Operation>(
      (state) => afterUndoFailure(state, provision, 1, away, NOW).reduce(operationDecider.evolve, state),
      undoing,
    );
    expect(sixTimes.phase).toBe('undoing');
  });

  it('a step that only stores can delay is tried until they answer', () => {
    const publish = step('publish', { attempts: untilDone });
    const often = { ...operation, steps: { publish: { ...stepOf(operation, 'publish'), failures: 1_000 } } };
    expect(followUps(afterFailure(definition, often, publish, 1_001, error('here'), NOW, PASSES))).toEqual(['again']);
    expect(followUps(afterFailure(definition, often, publish, 1_001, error('never'), NOW, PASSES))).toEqual(['fail']);
  });

  it('a stop does not keep a compensation from being tried again', () => {
    const undone = given(started(), failed('pin', 'fail'), { type: 'UndoCompleted', data: { operationId } }, stop);
    expect(followUps(afterFailure(definition, undone, step('mark-error'), 1, error('here'), NOW, PASSES))).toEqual([
      'again',
    ]);
  });

  it('a time to try again that a clock put back has moved far ahead is now', () => {
    const again = given(started(), done('pin'), done('place'), failed('claim', 'again', 1, NOW + 3_600_000));
    expect(nextOf(again)).toBe('run claim 2');
  });

  it('an undo is tried six times, then the operation is parked', () => {
    let undoing = given(started(), done('pin'), begun('provision'), failed('provision', 'fail'));
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      const events = afterUndoFailure(undoing, provision, attempt, error('here'), NOW);
      expect(events.map(({ type }) => type)).toEqual(attempt < 6 ? ['UndoFailed'] : ['UndoFailed', 'OperationParked']);
      undoing = events.reduce(operationDecider.evolve, undoing);
    }
  });
});

describe('any course of outcomes', () => {
  const outcomes = fc.array(fc.constantFrom('ok', 'here', 'elsewhere', 'never', 'stop'), { maxLength: 80 });

  it('ends or parks, never repeats a done step within a pass, and leaves nothing touched when it has failed', () => {
    fc.assert(
      fc.property(outcomes, (course) => {
        let operation = given(started(['a']));
        let now = NOW;
        const apply = (events: readonly OperationEvent[]): void => {
          for (const event of events) operation = operationDecider.evolve(operation, operationEvents.encode(event));
        };
        for (const outcome of [...course, ...Array<'ok'>(200).fill('ok')]) {
          if (outcome === 'stop') {
            if (!hasEnded(operation)) apply([stop]);
            continue;
          }
          const action = next(definition, operation, now);
          if (action.do === 'nothing') break;
          if (action.do === 'wait') now = action.until;
          else if (action.do === 'record') apply(action.events);
          else if (action.do === 'run') {
            expect(operation.steps[action.step.name]?.status).not.toBe('done');
            if (outcome === 'ok') apply([done(action.step.name, null, action.attempt)]);
            else
              apply(
                afterFailure(
                  definition,
                  operation,
                  action.step,
                  action.attempt,
                  new StepError(reason, outcome),
                  now,
                  PASSES,
                ),
              );
          } else if (outcome === 'ok') apply([undone(action.step.name, action.attempt)]);
          else apply(afterUndoFailure(operation, action.step, action.attempt, new StepError(reason, outcome), now));
        }
        expect(['succeeded', 'failed', 'parked']).toContain(operation.phase);
        if (operation.phase !== 'failed') return;
        const touched = ['pin', 'claim', 'provision'].filter(
          (name) => !['pending', 'undone', undefined].includes(operation.steps[name]?.status),
        );
        expect(touched).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
