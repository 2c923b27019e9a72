import pLimit from 'p-limit';
import type { CommandHandler } from '../commands/handle.ts';
import { operationAggregate, operationIdOf, operationStream } from '../commands/operations.ts';
import { UnreadableEvent } from '../domain/kernel/event.ts';
import {
  hasEnded,
  type Operation,
  type OperationEvent,
  operationDecider,
  type Started,
} from '../domain/operation/index.ts';
import type { Clock } from '../ports/clock.ts';
import { type Position, type RecordedEvent, StoreUnavailable } from '../ports/event-store.ts';
import { createOperationDriver, drivenOf, type Running } from './drive.ts';
import { type OperationDefinition, StepError, startedOf, stepsFor } from './operation.ts';
import { type Ownership, OwnershipLost } from './ownership.ts';
import type { OpenOperations, OperationServices, OperationsLogger } from './services.ts';

interface Scheduled extends Running {
  /** Position of the event that starts it; null once it is known to be started. */
  readonly position: Position | null;
  driving: boolean;
  /** Revision of the last event of its stream that the feed brought while it was being driven; -1: none. */
  heard: number;
  /** Something was heard that could not be read: it may have ended, whoever drives it now. */
  missed: boolean;
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
  /**
   * An event of an operation's stream, in order: keeps up those that another process drives, and goes on with what is
   * this one's now. Only where there are other processes.
   */
  follow(event: RecordedEvent): void;
  /** What may have become this process's is driven. */
  reconsider(): void;
  /** Whether a step of any operation of these volumes is being run. */
  isBusy(concerns: (volumeId: string) => boolean): boolean;
  /** Operations that have not ended, as the set of unfinished work keeps them. */
  open(): readonly { readonly id: string; readonly data: Readonly<Record<string, unknown>> }[];
  /** Resolves when nothing is being driven; used by tests and at stop. */
  idle(): Promise<void>;
  /** Starts nothing new, tells running calls to stop, and waits for them. What is unfinished is resumed at the next start. */
  stop(): Promise<void>;
}

/** Operations driven at the same time; the others wait their turn. */
const MOST_DRIVEN = 128;

/** Events after which nothing happens to an operation any more. */
const ENDS: ReadonlySet<string> = new Set(['OperationSucceeded', 'OperationFailed'] satisfies OperationEvent['type'][]);

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
  /** Which operations are this process's; without it all are, and nobody else works on any. */
  readonly ownership?: Ownership;
}): OperationRunner {
  const { handler, clock, workerId, logger, ownership = null } = options;
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
    ownership,
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
      .then(() => {
        if (run.timer === timer) run.timer = null;
        schedule(run);
      })
      .catch(() => undefined);
  };

  const drives = new Set<Promise<void>>();
  const slots = pLimit(MOST_DRIVEN);

  const isMine = (run: Scheduled): boolean => ownership === null || ownership.drives(drivenOf(run, run.operation));

  const schedule = (run: Scheduled): void => {
    if (!going || stopping.signal.aborted || running.get(run.id) !== run) return;
    if (run.driving) {
      run.again = true;
      return;
    }
    if (!isMine(run) && !run.missed) return;
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
        if (error instanceof OwnershipLost) {
          await lost(run);
          continue;
        }
        if (error instanceof UnreadableEvent) {
          leave(run, error);
          continue;
        }
        const away = error instanceof StoreUnavailable;
        const level = away ? 'warn' : 'error';
        logger[level](
          { operationId: run.id, err: error },
          away ? 'store away, trying again' : 'operation cannot go on',
        );
        await driver.reload(run);
        wakeAt(run, away ? STORE_AWAY_MS : 30 * STORE_AWAY_MS);
      }
    } while (hasMore(run));
    run.driving = false;
  };

  /** It is another process's now; what that one has done since is read once, and then heard of by the feed. */
  const lost = async (run: Scheduled): Promise<void> => {
    await driver.reload(run);
    if (!run.stale) return;
    run.missed = true;
    wakeAt(run, STORE_AWAY_MS);
  };

  const drop = (run: Scheduled): void => {
    running.delete(run.id);
    run.timer?.abort();
  };

  /** Another build has gone on with it, and only such a one can: this process just keeps it as unfinished. */
  const leave = (run: Scheduled, error: UnreadableEvent): void => {
    logger.warn({ operationId: run.id, err: error }, 'operation left to a worker that knows its events');
    drop(run);
    left.set(run.id, { started: run.started, correlationId: run.correlationId });
  };

  const hasMore = (run: Scheduled): boolean => {
    if (!running.has(run.id)) return false;
    const wasMissed = run.missed && !run.stale;
    if (wasMissed) run.missed = false;
    if (run.heard >= run.operation.seen) {
      // somebody else appended while it was driven here
      run.stale = true;
      run.missed = true;
      run.heard = -1;
      return true;
    }
    if (ownership !== null && hasEnded(run.operation)) {
      drop(run);
      return false;
    }
    return (run.again || wasMissed) && isMine(run);
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
      heard: -1,
      missed: false,
      again: false,
      timer: null,
    };
    running.set(id, run);
    return run;
  };

  const breakOff = (run: Scheduled): void => {
    // Only going forward is broken off: undoing, and marking the failure, is what a stop asks for.
    if (run.operation.phase === 'running')
      run.abort?.abort(new StepError({ code: 'Stopped', message: 'another operation took over' }, 'never'));
  };

  /** Folds the next event of one that nobody drives here; what does not follow on is read when it is driven. */
  const keepUp = (run: Scheduled, event: RecordedEvent): void => {
    if (!run.stale && Number(event.revision) === run.operation.seen) {
      try {
        const { type, metadata, data } = event;
        const decoded = operationAggregate.catalogue.decode(type, metadata.schemaVersion, data);
        run.operation = operationDecider.evolve(run.operation, decoded);
        // What was not recorded is done over, on top of this; a stop may come before the start.
        if (run.operation.started !== null) run.pending = [];
      } catch {
        // of a newer build: it says so when somebody has to drive it
        run.stale = true;
      }
    } else run.stale = true;
    // Whose it is must not be judged by what is out of date.
    if (run.stale) run.missed = true;
    if (hasEnded(run.operation) || ENDS.has(event.type)) drop(run);
    else schedule(run);
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
      if (stopped) breakOff(run);
      schedule(run);
    },
    follow: (event) => {
      const operationId = operationIdOf(event.stream);
      if (ENDS.has(event.type)) left.delete(operationId);
      const run = running.get(operationId);
      if (run === undefined || Number(event.revision) < run.operation.seen) return;
      if (!run.driving) {
        keepUp(run, event);
        return;
      }
      // It may be this process's own append, whose answer is still on its way.
      run.heard = Math.max(run.heard, Number(event.revision));
      if (event.type === 'OperationStopRequested') {
        run.stale = true;
        breakOff(run);
      }
    },
    reconsider: () => {
      for (const run of running.values()) if (run.timer === null) schedule(run);
    },
    isBusy: (concerns) =>
      [...running.values()].some(({ driving, started }) => driving && concerns(started.resource.volumeId)),
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
