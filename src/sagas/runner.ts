import pLimit from 'p-limit';
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
  type Step,
  StepError,
  startedOf,
  stepsFor,
} from './operation.ts';
import type { OpenOperations, OperationServices } from './services.ts';
import { operationContext, runWithDeadline, stepContext } from './step-runner.ts';

export interface RunnerLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** An operation this process drives. */
interface Running {
  readonly id: string;
  readonly correlationId: string;
  readonly definition: OperationDefinition;
  operation: Operation;
  /** Happened, but not recorded yet: goes with the next append. */
  pending: OperationEvent[];
  abort: AbortController | null;
  /** A call that does not end: until it does, nothing more is run. */
  hung: boolean;
  driving: boolean;
  /** Something changed while it was being driven. */
  again: boolean;
  timer: AbortController | null;
}

export interface OperationRunner extends OpenOperations {
  /** Starts the operation of this event, once; repeats find it started. */
  start(definition: OperationDefinition, started: Started, correlationId: string): void;
  /** Takes up an operation that an earlier process left unfinished. False when there is nothing to do. */
  resume(operationId: string, correlationId: string): Promise<boolean>;
  /** Something was appended to the operation's stream by somebody else (a stop, an operator's resume). */
  wake(operationId: string, stopped: boolean): void;
  /** Operations that have not ended, as the set of unfinished work keeps them. */
  open(): readonly { readonly id: string; readonly data: Readonly<Record<string, unknown>> }[];
  /** Resolves when nothing is being driven; used by tests and at stop. */
  idle(): Promise<void>;
  /** Starts nothing new, tells running calls to stop, and waits for them. What is unfinished is resumed at the next start. */
  stop(): Promise<void>;
}

/** Operations driven at the same time; the others wait their turn. */
const MOST_DRIVEN = 128;

/** How long to wait before going on when a store is away, in ms. */
const STORE_AWAY_MS = 500;

/** Executes operations and records what happened; what happens next is `next`'s to say. */
export function createOperationRunner(options: {
  readonly handler: CommandHandler;
  readonly clock: Clock;
  readonly workerId: string;
  readonly definitions: readonly OperationDefinition[];
  readonly services: Omit<OperationServices, 'openOperations'>;
  readonly logger: RunnerLogger;
}): OperationRunner {
  const { handler, clock, workerId, logger } = options;
  const definitions = new Map(options.definitions.map((definition) => [definition.kind, definition]));
  const running = new Map<string, Running>();
  const stopping = new AbortController();
  const services: OperationServices = { ...options.services, openOperations: { of: (volumeId) => openOf(volumeId) } };

  const openOf: OpenOperations['of'] = (volumeId) =>
    [...running.values()]
      .filter(({ operation }) => operation.started?.resource.volumeId === volumeId && !hasEnded(operation))
      .map(({ id, operation }) => ({ operationId: id, parked: operation.phase === 'parked' }));

  const virtual = (run: Running): Operation => run.pending.reduce(operationDecider.evolve, run.operation);

  /** Appends what is pending on what was seen; when somebody else appended first, what is there counts instead. */
  const flush = async (run: Running): Promise<'recorded' | 'moved-on'> => {
    if (run.pending.length === 0) return 'recorded';
    const { pending } = run;
    const { seen } = run.operation;
    const first = pending[0];
    const starts = first?.type === 'OperationStarted';
    const commandId = deriveId(run.id, 'progress', seen, workerId, pending.length);
    const outcome = await handler.handle(
      operationAggregate,
      operationStream(run.id),
      starts
        ? { type: 'StartOperation', started: first.data as Started, progress: pending.slice(1) }
        : { type: 'RecordProgress', seen, progress: pending },
      operationContext(virtual(run), run.correlationId, commandId),
    );
    if (outcome.kind === 'accepted' && outcome.events.length > 0) {
      run.operation = virtual(run);
      run.pending = [];
      if (run.operation.seen === outcome.state.seen) return 'recorded';
    }
    run.pending = [];
    run.operation = (await handler.load(operationAggregate, operationStream(run.id))).state;
    return 'moved-on';
  };

  const context = (run: Running, step: Step, attempt: number, undo: boolean, intent: unknown, signal: AbortSignal) =>
    stepContext({ operation: virtual(run), correlationId: run.correlationId, step, attempt, undo, intent, signal, services });

  /** Runs a call of a step; null when the runner stops or the call hangs, which ends the drive for now. */
  const call = async (run: Running, step: Step, act: (signal: AbortSignal) => Promise<unknown>) => {
    const abort = new AbortController();
    run.abort = abort;
    const onStop = (): void => abort.abort(stopping.signal.reason);
    stopping.signal.addEventListener('abort', onStop, { once: true });
    const result = await runWithDeadline(clock, step.timeoutMs, abort, act);
    stopping.signal.removeEventListener('abort', onStop);
    run.abort = null;
    if (stopping.signal.aborted && result.kind !== 'done') return null;
    if (result.kind === 'hung') {
      await park(run, { code: 'CallDoesNotEnd', message: `${step.name} was told to stop and has not ended` });
      run.hung = true;
      void result.ended.then(() => {
        run.hung = false;
        schedule(run);
      });
      return null;
    }
    if (result.kind === 'failed' && result.error instanceof StoreUnavailable) throw result.error;
    return result as { kind: 'done'; output: unknown } | { kind: 'failed'; error: StepError };
  };

  /** Before an operation parks, the resource gets the transition's failure status. */
  const markFailed = async (run: Running): Promise<void> => {
    for (const step of run.definition.failed) {
      const marking = context(run, step, stepOf(virtual(run), step.name).attempt + 1, false, undefined, stopping.signal);
      await step.run(marking);
    }
  };

  const park = async (run: Running, reason: { code: string; message: string }): Promise<void> => {
    run.pending.push({ type: 'OperationParked', data: { operationId: run.id, reason } });
    await beforeParking(run);
    await flush(run);
  };

  const beforeParking = async (run: Running): Promise<void> => {
    const parking = run.pending.find((event) => event.type === 'OperationParked');
    if (parking?.type !== 'OperationParked') return;
    logger.error({ operationId: run.id, reason: parking.data.reason }, 'operation parked: an operator must retry or abandon it');
    if (run.operation.phase !== 'failing') await markFailed(run);
  };

  const doRun = async (run: Running, action: Extract<Action, { do: 'run' }>): Promise<boolean> => {
    const { step, attempt } = action;
    let intent = stepOf(virtual(run), step.name).input;
    if (step.effect === 'world' && !action.intentRecorded) {
      const asked = await call(run, step, (signal) =>
        step.intent === undefined ? Promise.resolve(null) : step.intent(context(run, step, attempt, false, undefined, signal)),
      );
      if (asked === null) return false;
      if (asked.kind === 'failed') return settleRun(run, step, attempt, asked);
      intent = asked.output;
      run.pending.push({ type: 'StepStarted', data: { operationId: run.id, step: step.name, attempt, input: intent ?? null } });
    }
    if (step.effect !== 'none' && (await flush(run)) === 'moved-on') return true;
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
    const fields = { operationId: run.id, kind: run.definition.kind, step: step.name, attempt, reason: error.reason, err: error.cause };
    logger.warn(fields, 'operation step failed');
    run.pending.push(...afterFailure(run.definition, virtual(run), step, attempt, error, clock.now()));
    await beforeParking(run);
    return true;
  };

  const doUndo = async (run: Running, { step, attempt }: Extract<Action, { do: 'undo' }>): Promise<boolean> => {
    const { undo } = step;
    if (undo === undefined) return true;
    if (step.effect === 'world') run.pending.push({ type: 'UndoStarted', data: { operationId: run.id, step: step.name, attempt } });
    if ((await flush(run)) === 'moved-on') return true;
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

  /** Goes on until there is nothing to do now. */
  const advance = async (run: Running): Promise<void> => {
    while (!stopping.signal.aborted && !run.hung) {
      const action = next(run.definition, virtual(run), clock.now());
      if (action.do === 'nothing') {
        await flush(run);
        if (next(run.definition, run.operation, clock.now()).do !== 'nothing') continue;
        if (hasEnded(run.operation)) ended(run);
        return;
      }
      if (action.do === 'wait') {
        if ((await flush(run)) === 'moved-on') continue;
        wakeAt(run, action.until - clock.now());
        return;
      }
      if (action.do === 'record') {
        run.pending.push(...action.events);
        continue;
      }
      const on = action.do === 'run' ? await doRun(run, action) : await doUndo(run, action);
      if (!on) break;
    }
    await flush(run);
  };

  const ended = (run: Running): void => {
    running.delete(run.id);
    const { kind, resource } = startedOf(run.operation);
    const fields = { operationId: run.id, kind, resource, reason: run.operation.reason ?? undefined };
    if (run.operation.phase === 'succeeded') logger.info(fields, 'operation succeeded');
    else logger.warn(fields, 'operation failed');
  };

  const wakeAt = (run: Running, ms: number): void => {
    run.timer?.abort();
    const timer = new AbortController();
    run.timer = timer;
    clock
      .sleep(Math.max(ms, 1), timer.signal)
      .then(() => schedule(run))
      .catch(() => undefined);
  };

  const drives = new Set<Promise<void>>();
  const slots = pLimit(MOST_DRIVEN);

  const schedule = (run: Running): void => {
    if (stopping.signal.aborted) return;
    if (run.driving) {
      run.again = true;
      return;
    }
    run.driving = true;
    const drive = slots(() => driveUntilIdle(run)).finally(() => drives.delete(drive));
    drives.add(drive);
  };

  const driveUntilIdle = async (run: Running): Promise<void> => {
    do {
      run.again = false;
      try {
        await advance(run);
      } catch (error) {
        const away = error instanceof StoreUnavailable;
        const level = away ? 'warn' : 'error';
        logger[level]({ operationId: run.id, err: error }, away ? 'store away, trying again' : 'operation cannot go on');
        await reload(run);
        wakeAt(run, away ? STORE_AWAY_MS : 30 * STORE_AWAY_MS);
      }
    } while (run.again && running.has(run.id));
    run.driving = false;
  };

  /** What is recorded counts: pending events that may or may not have been appended are dropped, and done over. */
  const reload = async (run: Running): Promise<void> => {
    const [first] = run.pending;
    try {
      const { state } = await handler.load(operationAggregate, operationStream(run.id));
      run.operation = state;
      run.pending = state.started === null && first?.type === 'OperationStarted' ? [first] : [];
    } catch {
      // The store is still away: the pending events stay, and their append is repeated or refused by `seen`.
    }
  };

  const adopt = (id: string, correlationId: string, definition: OperationDefinition, operation: Operation): Running => {
    const run: Running = {
      id,
      correlationId,
      definition,
      operation,
      pending: [],
      abort: null,
      hung: false,
      driving: false,
      again: false,
      timer: null,
    };
    running.set(id, run);
    return run;
  };

  return {
    of: openOf,
    start: (definition, started, correlationId) => {
      if (running.has(started.operationId)) return;
      const run = adopt(started.operationId, correlationId, definition, operationDecider.initial);
      const steps = stepsFor(definition, started.input).map((step) => step.name);
      run.pending.push({ type: 'OperationStarted', data: { ...started, version: definition.version, steps } });
      schedule(run);
    },
    resume: async (operationId, correlationId) => {
      if (running.has(operationId)) return true;
      const { state } = await handler.load(operationAggregate, operationStream(operationId));
      if (state.started === null || hasEnded(state)) return false;
      const definition = definitions.get(state.started.kind);
      if (definition === undefined || definition.version !== state.started.version) {
        const { kind, version } = state.started;
        logger.warn({ operationId, kind, version }, 'operation left to a worker that knows its version');
        return true;
      }
      schedule(adopt(operationId, correlationId, definition, state));
      return true;
    },
    wake: (operationId, stopped) => {
      const run = running.get(operationId);
      if (run === undefined) return;
      if (stopped) run.abort?.abort(new StepError({ code: 'Stopped', message: 'another operation took over' }, 'never'));
      // A drive under way finds out at its next append, and must not lose what it has yet to record.
      if (run.driving) run.again = true;
      else void reload(run).then(() => schedule(run));
    },
    open: () =>
      [...running.values()].map(({ id, correlationId, operation }) => ({
        id,
        data: { correlationId, volumeId: operation.started?.resource.volumeId ?? null },
      })),
    idle: async () => {
      while (drives.size > 0) await Promise.all(drives);
    },
    stop: async () => {
      stopping.abort(new StepError({ code: 'Stopping', message: 'the server is stopping' }, 'here'));
      for (const run of running.values()) run.timer?.abort();
      await Promise.all(drives);
    },
  };
}
