import { hash } from 'node:crypto';
import type { CommandHandler } from '../commands/handle.ts';
import { operationAggregate, operationStream } from '../commands/operations.ts';
import { deriveId } from '../domain/kernel/ids.ts';
import type { OperationEvent } from '../domain/operation/events.ts';
import { hasEnded, type Operation, operationDecider, type Started, stepOf } from '../domain/operation/index.ts';
import type { Clock } from '../ports/clock.ts';
import { StoreUnavailable } from '../ports/event-store.ts';
import {
  type Action,
  afterFailure,
  afterUndoFailure,
  next,
  type OperationDefinition,
  poolOf,
  type Step,
  type StepError,
} from './operation.ts';
import { type Driven, NOT_MINE, type Ownership, OwnershipLost } from './ownership.ts';
import type { OperationServices, OperationsLogger } from './services.ts';
import { operationContext, runWithDeadline, stepContext, unlessMine } from './step-runner.ts';

/** An operation this process drives. */
export interface Running {
  readonly id: string;
  readonly started: Started;
  readonly correlationId: string;
  readonly definition: OperationDefinition;
  operation: Operation;
  /** Happened, but not recorded yet: goes with the next append. */
  pending: OperationEvent[];
  abort: AbortController | null;
  /** Somebody else appended to its stream: what is there is read before anything more is begun. */
  stale: boolean;
  /** A call of this step that does not end: until it does, nothing more is run. `parked`: that is recorded. */
  hung: { readonly step: string; parked: boolean } | null;
}

export type Advanced = { readonly state: 'ended' | 'idle' } | { readonly state: 'waiting'; readonly ms: number };

/** What decides whose an operation is. */
export const drivenOf = (
  { started, definition }: Pick<Running, 'started' | 'definition'>,
  operation: Operation,
): Driven => ({
  volumeId: started.resource.volumeId,
  pool: poolOf(definition, operation),
});

export interface OperationDriver {
  /** Goes on until there is nothing to do now. Throws StoreUnavailable: then reload, and try again later. */
  advance(run: Running): Promise<Advanced>;
  reload(run: Running): Promise<void>;
}

const CALL_DOES_NOT_END = 'CallDoesNotEnd';

/** Parked for a call that has ended since, at the latest with its process: no operator is needed for that. */
const waitsForNothing = ({ phase, reason }: Operation): boolean =>
  phase === 'parked' && reason?.code === CALL_DOES_NOT_END;

/** Executes what `next` says for one operation at a time, and records intent before and outcome after. */
export function createOperationDriver(options: {
  readonly handler: CommandHandler;
  readonly clock: Clock;
  readonly workerId: string;
  readonly services: OperationServices;
  readonly logger: OperationsLogger;
  /** Null: every operation is this process's. */
  readonly ownership: Ownership | null;
  /** Aborted when the process stops: calls end, and what they did is found again at the next start. */
  readonly stopping: AbortSignal;
  /** A call that had not ended in time has ended after all. */
  readonly onCallEnded: (run: Running) => void;
}): OperationDriver {
  const { handler, clock, workerId, services, logger, ownership, stopping, onCallEnded } = options;

  const virtual = (run: Running): Operation => run.pending.reduce(operationDecider.evolve, run.operation);

  /** By what is recorded: who did the step before this one hands it over once that is in the log. */
  const mayRecord = (run: Running): (() => boolean) | null =>
    ownership === null ? null : () => ownership.holds(drivenOf(run, run.operation));

  /** Appends what is pending on what was seen; when somebody else appended first, what is there counts instead. */
  const flush = async (run: Running): Promise<'recorded' | 'moved-on'> => {
    if (run.pending.length === 0) return 'recorded';
    const { pending } = run;
    const { seen } = run.operation;
    const first = pending[0];
    const starts = first?.type === 'OperationStarted';
    // By what it says: an append that lands after it was given up must not pass for another one.
    const digest = hash('sha1', JSON.stringify(pending), 'base64');
    const commandId = deriveId(run.id, 'progress', seen, workerId, digest);
    const isMine = mayRecord(run);
    const outcome = await handler.handle(
      operationAggregate,
      operationStream(run.id),
      starts
        ? { type: 'StartOperation', started: first.data as Started, progress: pending.slice(1) }
        : { type: 'RecordProgress', seen, progress: pending },
      operationContext(virtual(run), run.correlationId, commandId),
      { isNew: starts, ...(isMine === null ? {} : { provided: unlessMine(isMine) }) },
    );
    if (outcome.kind === 'rejected' && outcome.rejection === NOT_MINE) throw new OwnershipLost();
    if (outcome.kind === 'accepted' && outcome.events.length > 0) {
      run.operation = virtual(run);
      run.pending = [];
      if (run.operation.seen === outcome.state.seen) return 'recorded';
    }
    run.pending = [];
    run.operation = await recorded(run);
    return 'moved-on';
  };

  const context = (run: Running, step: Step, attempt: number, undo: boolean, intent: unknown, signal: AbortSignal) =>
    stepContext({
      operation: virtual(run),
      correlationId: run.correlationId,
      step,
      attempt,
      undo,
      intent,
      signal,
      services,
      isMine: mayRecord(run),
    });

  /** Runs a call of a step; null when the runner stops or the call hangs, which ends the drive for now. */
  const call = async (run: Running, step: Step, act: (signal: AbortSignal) => Promise<unknown>) => {
    if (stopping.aborted) return null;
    const abort = new AbortController();
    run.abort = abort;
    const onStop = (): void => abort.abort(stopping.reason);
    stopping.addEventListener('abort', onStop, { once: true });
    const result = await runWithDeadline(clock, step.timeoutMs, abort, act);
    stopping.removeEventListener('abort', onStop);
    run.abort = null;
    if (stopping.aborted && result.kind !== 'done') return null;
    if (result.kind === 'hung') {
      run.hung = { step: step.name, parked: false };
      void result.ended.then(() => {
        run.hung = null;
        onCallEnded(run);
      });
      await parkHung(run, run.hung);
      return null;
    }
    if (result.kind === 'failed' && result.error instanceof StoreUnavailable) throw result.error;
    return result as { kind: 'done'; output: unknown } | { kind: 'failed'; error: StepError };
  };

  /** Before an operation parks, the resource gets the transition's failure status. */
  const markFailed = async (run: Running): Promise<void> => {
    for (const step of run.definition.failed) {
      const marking = context(run, step, stepOf(virtual(run), step.name).attempt + 1, false, undefined, stopping);
      await step.run(marking);
    }
  };

  /** Once, however often that has to be tried: whoever resumes it meanwhile waits for the end of the call. */
  const parkHung = async (run: Running, hung: NonNullable<Running['hung']>): Promise<void> => {
    if (run.stale) await catchUp(run);
    const reason = { code: CALL_DOES_NOT_END, message: `${hung.step} was told to stop and has not ended` };
    run.pending.push({ type: 'OperationParked', data: { operationId: run.id, reason } });
    await beforeParking(run);
    await flush(run);
    hung.parked = true;
  };

  const beforeParking = async (run: Running): Promise<void> => {
    const parking = run.pending.find((event) => event.type === 'OperationParked');
    if (parking?.type !== 'OperationParked') return;
    logger.error(
      { operationId: run.id, reason: parking.data.reason },
      'operation parked: an operator must retry or abandon it',
    );
    if (run.operation.phase !== 'failing') await markFailed(run);
  };

  const doRun = async (run: Running, action: Extract<Action, { do: 'run' }>): Promise<boolean> => {
    const { step, attempt } = action;
    let intent = stepOf(virtual(run), step.name).input;
    if (step.effect === 'world' && !action.intentRecorded) {
      const asked = await call(run, step, (signal) =>
        step.intent === undefined
          ? Promise.resolve(null)
          : step.intent(context(run, step, attempt, false, undefined, signal)),
      );
      if (asked === null) return false;
      if (asked.kind === 'failed') return settleRun(run, step, attempt, asked);
      intent = asked.output;
      run.pending.push({
        type: 'StepStarted',
        data: { operationId: run.id, step: step.name, attempt, input: intent ?? null },
      });
    }
    if (step.effect !== 'none' && (await flush(run)) === 'moved-on') return true;
    if (run.stale) return true;
    const result = await call(run, step, (signal) => step.run(context(run, step, attempt, false, intent, signal)));
    return result === null ? false : settleRun(run, step, attempt, result);
  };

  const settleRun = async (
    run: Running,
    step: Step,
    attempt: number,
    result: { kind: 'done'; output: unknown } | { kind: 'failed'; error: StepError },
  ): Promise<boolean> => {
    if (result.kind === 'done') {
      const output = result.output ?? null;
      run.pending.push({ type: 'StepSucceeded', data: { operationId: run.id, step: step.name, attempt, output } });
      return true;
    }
    const { error } = result;
    const fields = {
      operationId: run.id,
      kind: run.definition.kind,
      step: step.name,
      attempt,
      reason: error.reason,
      err: error.cause,
    };
    logger.warn(fields, 'operation step failed');
    const passes = run.definition.retry?.attempts(services) ?? 1;
    run.pending.push(...afterFailure(run.definition, virtual(run), step, attempt, error, clock.now(), passes));
    await beforeParking(run);
    return true;
  };

  const doUndo = async (run: Running, { step, attempt }: Extract<Action, { do: 'undo' }>): Promise<boolean> => {
    const { undo } = step;
    if (undo === undefined) return true;
    if (step.effect === 'world')
      run.pending.push({ type: 'UndoStarted', data: { operationId: run.id, step: step.name, attempt } });
    if ((await flush(run)) === 'moved-on' || run.stale) return true;
    const { input } = stepOf(run.operation, step.name);
    const result = await call(run, step, (signal) => undo(context(run, step, attempt, true, input, signal)));
    if (result === null) return false;
    if (result.kind === 'done') {
      run.pending.push({ type: 'UndoSucceeded', data: { operationId: run.id, step: step.name, attempt } });
      return true;
    }
    logger.warn({ operationId: run.id, step: step.name, attempt, reason: result.error.reason }, 'undo failed');
    run.pending.push(...afterUndoFailure(virtual(run), step, attempt, result.error, clock.now()));
    await beforeParking(run);
    return true;
  };

  const advance: OperationDriver['advance'] = async (run) => {
    if (run.hung?.parked === false) await parkHung(run, run.hung);
    while (!stopping.aborted && run.hung === null) {
      if (run.stale) await catchUp(run);
      if (ownership !== null && !ownership.drives(drivenOf(run, virtual(run)))) {
        if ((await flush(run)) === 'moved-on') continue;
        return { state: hasEnded(run.operation) ? 'ended' : 'idle' };
      }
      if (waitsForNothing(virtual(run)))
        run.pending.push({ type: 'OperationResumed', data: { operationId: run.id, action: 'retry' } });
      const action = next(run.definition, virtual(run), clock.now());
      if (action.do === 'nothing') {
        await flush(run);
        if (next(run.definition, run.operation, clock.now()).do !== 'nothing') continue;
        return { state: hasEnded(run.operation) ? 'ended' : 'idle' };
      }
      if (action.do === 'wait') {
        if ((await flush(run)) === 'moved-on') continue;
        return { state: 'waiting', ms: action.until - clock.now() };
      }
      if (action.do === 'record') {
        run.pending.push(...action.events);
        continue;
      }
      const on = action.do === 'run' ? await doRun(run, action) : await doUndo(run, action);
      if (!on) break;
    }
    await flush(run);
    return { state: 'idle' };
  };

  /** Sees what somebody else appended; what is pending is recorded on top of it, or done over. */
  const catchUp = async (run: Running): Promise<void> => {
    run.stale = false;
    try {
      if (run.pending.length === 0) run.operation = await recorded(run);
      else await flush(run);
    } catch (error) {
      run.stale = true;
      throw error;
    }
  };

  const recorded = async (run: Running): Promise<Operation> =>
    (await handler.load(operationAggregate, operationStream(run.id))).state;

  /** What is recorded counts: pending events that may or may not have been appended are dropped, and done over. */
  const reload: OperationDriver['reload'] = async (run) => {
    const [first] = run.pending;
    // before it is read, so that whoever says so meanwhile is heard
    run.stale = false;
    try {
      run.operation = await recorded(run);
      run.pending = run.operation.started === null && first?.type === 'OperationStarted' ? [first] : [];
    } catch {
      // The store is still away: the pending events stay, and their append is repeated or refused by `seen`.
      run.stale = true;
    }
  };

  return { advance, reload };
}
