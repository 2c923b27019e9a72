import pLimit from 'p-limit';
import type { CommandHandler } from '../commands/handle.ts';
import { operationAggregate, operationStream } from '../commands/operations.ts';
import { hasEnded, type Operation, operationDecider, type Started } from '../domain/operation/index.ts';
import type { Clock } from '../ports/clock.ts';
import { type Position, StoreUnavailable } from '../ports/event-store.ts';
import { createOperationDriver, type Running } from './drive.ts';
import { type OperationDefinition, StepError, startedOf, stepsFor } from './operation.ts';
import type { OpenOperations, OperationServices, OperationsLogger } from './services.ts';

interface Scheduled extends Running {
  readonly started: Started;
  /** Position of the event that starts it; null once it is known to be started. */
  readonly position: Position | null;
  driving: boolean;
  /** Something changed while it was being driven. */
  again: boolean;
  timer: AbortController | null;
}

export interface OperationRunner extends OpenOperations {
  /** Starts the operation of the event at this position, once; repeats find it started. */
  start(definition: OperationDefinition, started: Started, correlationId: string, position: Position): void;
  /** Takes up an operation that an earlier process left unfinished. False when it has ended, or never started. */
  resume(operationId: string, correlationId: string): Promise<boolean>;
  /**
   * From now on what was taken up is driven. Not before all of it is known, so that none overlooks another; and the most
   * advanced first: what it may have to do over must lie within the ledgers' memory.
   */
  go(): void;
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
  readonly logger: OperationsLogger;
}): OperationRunner {
  const { handler, clock, workerId, logger } = options;
  const definitions = new Map(options.definitions.map((definition) => [definition.kind, definition]));
  const running = new Map<string, Scheduled>();
  /** Operations for a worker that knows their version: kept as unfinished, and left alone. */
  const left = new Map<string, { readonly started: Started; readonly correlationId: string }>();
  let going = false;
  const stopping = new AbortController();
  const services: OperationServices = { ...options.services, openOperations: { of: (volumeId) => openOf(volumeId) } };

  const openOf: OpenOperations['of'] = (volumeId) =>
    [...running.values(), ...left.values()]
      .map(({ started }) => started)
      .filter(({ resource }) => resource.volumeId === volumeId);

  const driver = createOperationDriver({
    handler,
    clock,
    workerId,
    services,
    logger,
    stopping: stopping.signal,
    onCallEnded: (run) => {
      const scheduled = running.get(run.id);
      if (scheduled !== undefined) schedule(scheduled);
    },
  });

  const ended = (run: Scheduled): void => {
    running.delete(run.id);
    run.timer?.abort();
    const { kind, resource } = startedOf(run.operation);
    const fields = { operationId: run.id, kind, resource, reason: run.operation.reason ?? undefined };
    if (run.operation.phase === 'succeeded') logger.info(fields, 'operation succeeded');
    else logger.warn(fields, 'operation failed');
  };

  const wakeAt = (run: Scheduled, ms: number): void => {
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

  const schedule = (run: Scheduled): void => {
    if (!going || stopping.signal.aborted || running.get(run.id) !== run) return;
    if (run.driving) {
      run.again = true;
      return;
    }
    run.driving = true;
    const drive = slots(() => driveUntilIdle(run)).finally(() => drives.delete(drive));
    drives.add(drive);
  };

  const driveUntilIdle = async (run: Scheduled): Promise<void> => {
    do {
      run.again = false;
      try {
        const advanced = await driver.advance(run);
        if (advanced.state === 'ended') ended(run);
        if (advanced.state === 'waiting') wakeAt(run, advanced.ms);
      } catch (error) {
        const away = error instanceof StoreUnavailable;
        const level = away ? 'warn' : 'error';
        logger[level](
          { operationId: run.id, err: error },
          away ? 'store away, trying again' : 'operation cannot go on',
        );
        await driver.reload(run);
        wakeAt(run, away ? STORE_AWAY_MS : 30 * STORE_AWAY_MS);
      }
    } while (run.again && running.has(run.id));
    run.driving = false;
  };

  const adopt = (
    started: Started,
    correlationId: string,
    definition: OperationDefinition,
    operation: Operation,
    position: Position | null,
  ): Scheduled => {
    const id = started.operationId;
    const run: Scheduled = {
      id,
      started,
      position,
      correlationId,
      definition,
      operation,
      pending: [],
      abort: null,
      stale: false,
      hung: null,
      driving: false,
      again: false,
      timer: null,
    };
    running.set(id, run);
    return run;
  };

  return {
    of: openOf,
    start: (definition, started, correlationId, position) => {
      if (running.has(started.operationId)) return;
      const run = adopt(started, correlationId, definition, operationDecider.initial, position);
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
        left.set(operationId, { started: state.started, correlationId });
        return true;
      }
      schedule(adopt(state.started, correlationId, definition, state, null));
      return true;
    },
    go: () => {
      if (going) return;
      going = true;
      const mostAdvancedFirst = [...running.values()].sort((one, other) => other.operation.seen - one.operation.seen);
      for (const run of mostAdvancedFirst) schedule(run);
    },
    wake: (operationId, stopped) => {
      const run = running.get(operationId);
      if (run === undefined) return;
      run.stale = true;
      // Only going forward is broken off: undoing, and marking the failure, is what a stop asks for.
      if (stopped && run.operation.phase === 'running')
        run.abort?.abort(new StepError({ code: 'Stopped', message: 'another operation took over' }, 'never'));
      schedule(run);
    },
    open: () => [
      ...[...running.values()].map(({ id, correlationId, position }) => ({
        id,
        data: { correlationId, position: position === null ? null : String(position) },
      })),
      ...[...left].map(([id, { correlationId }]) => ({ id, data: { correlationId, position: null } })),
    ],
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
