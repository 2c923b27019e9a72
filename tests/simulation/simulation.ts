import type { RecordedEvent } from '../../src/ports/event-store.ts';
import { operationDefinitions } from '../../src/sagas/definitions.ts';
import type { OperationDefinition, Step } from '../../src/sagas/operation.ts';
import type { Violation } from '../crash/log-view.ts';
import { createRandom, type Random } from '../crash/random.ts';
import { chargedAgain, openOrphans } from '../crash/rest.ts';
import { createClients, type Told } from './clients.ts';
import { createSimulatedCoordination } from './coordination.ts';
import { createSimulatedLog } from './event-store.ts';
import { createHistory, type History } from './history.ts';
import { violationsOf } from './invariants.ts';
import type { Mutant } from './mutants/mutant.ts';
import {
  type Api,
  type Machine,
  type Operations,
  type OperationsRole,
  startApi,
  startOperations,
  startServer,
} from './node.ts';
import { createObserver } from './observer.ts';
import { createSimulatedReadStore } from './read-store.ts';
import { createScheduler, EPOCH, type SimProcess } from './scheduler.ts';
import { createSimulatedBackend, type SimulatedBackend } from './storage-backend.ts';
import { CALM, type Weather, weatherOf, weatherOfMany } from './weather.ts';

export interface SimulationOptions {
  readonly mutant?: Mutant;
  /** Several processes carry operations out side by side, and stand still at times. */
  readonly many?: boolean;
  /** Of several processes: they often stand still between the decision of a claim and its append. */
  readonly pausesBeforeClaims?: boolean;
  /** Keeps every line of what happened; without it only the verdict. */
  readonly history?: boolean;
}

export interface SimulationReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly figures: {
    readonly steps: number;
    readonly simulatedMs: number;
    readonly events: number;
    readonly crashes: number;
    readonly parked: number;
    readonly operations: number;
  };
  readonly history: History;
}

const STORM_LIMITS = { steps: 200_000, ms: 2 * 3_600_000 };
const REST_LIMITS = { steps: 200_000, ms: 2 * 3_600_000 };
const STOP_LIMITS = { steps: 20_000, ms: 120_000 };
const ROUNDS_OF_OPERATORS = 8;
const WORLD_DEADLINE_MS = 15_000;

/** Runs one seed: clients under all that its weather brings, then calm, then everything that must hold. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationReport> {
  const random = createRandom(seed);
  const many = options.many ?? false;
  const embedded = !many && random.chance(0.5);
  const weatherOfSeed = many ? weatherOfMany(random) : weatherOf(random, embedded);
  const storm = options.pausesBeforeClaims === true ? { ...weatherOfSeed, pauseBeforeClaim: 0.2 } : weatherOfSeed;
  let weather: Weather = storm;
  let crashes = 0;
  const history = createHistory(options.history ?? false);
  const alive = new Set<SimProcess>();
  /** By the name of their process, whichever incarnation it is in. */
  const operations = new Map<string, Operations>();

  /** One process dies; or the power fails, and all do. */
  const crash = (): boolean => {
    const process = random.pick([...alive]);
    if (process === undefined) return false;
    crashes += 1;
    if (random.chance(weather.powerLoss)) {
      history.note('world', 'the power fails');
      for (const one of alive) scheduler.kill(one);
      coordination.losePower();
      readStore.losePower();
    } else {
      history.note(process.name, 'dies');
      scheduler.kill(process);
    }
    return true;
  };

  /** One of many stands still, or is told to leave. */
  const disturb = (): boolean => {
    const pauses = weather.pause > 0 && random.chance(weather.pause);
    const leaves = weather.leave > 0 && random.chance(weather.leave);
    if (!pauses && !leaves) return false;
    const [name, chosen] = random.pick([...operations]) ?? [];
    if (name === undefined || chosen === undefined) return false;
    const { process } = chosen;
    if (pauses) {
      const ms = random.chance(0.3) ? random.between(100, 5_000) : random.between(5_000, 60_000);
      history.note(process.name, `stands still for ${ms} ms`);
      scheduler.pause(process, ms);
    } else {
      history.note(process.name, 'is told to stop');
      operations.delete(name);
      const gone = (): void => scheduler.kill(process);
      void chosen.stop().then(gone, gone);
    }
    return true;
  };

  const scheduler = createScheduler({
    random,
    pace: storm.pace,
    betweenSteps: () =>
      (many && disturb()) || (crashes < weather.mostCrashes && random.chance(weather.crash) && crash()),
    onStep: (step, nowMs, process, label) => history.step(step, nowMs, process, label),
  });
  const backends: SimulatedBackend[] = [];
  const observer = createObserver(() => backends);
  const current = (): Weather => weather;
  const common = { scheduler, weather: current };
  for (const [host, pools] of backendsOf(random)) {
    const { effect: onEffect, breach, mayBeGone } = observer;
    backends.push(createSimulatedBackend({ ...common, host, pools, onEffect, breach, mayBeGone }));
  }
  const supervisor = scheduler.spawn('supervisor');
  const log = createSimulatedLog({
    ...common,
    onAppended: (events: readonly RecordedEvent[]) => {
      for (const event of events) history.event(event);
      observer.appended(events);
    },
    wallNow: () => EPOCH + Math.floor(scheduler.nowMs),
    network: scheduler.spawn('network'),
  });
  const readStore = createSimulatedReadStore(common);
  const coordination = createSimulatedCoordination(common);
  const definitions = operationDefinitions.map(withShortDeadlines);
  const machine: Machine = {
    scheduler,
    log,
    readStore,
    coordination,
    backends,
    definitions: options.mutant?.definitions?.(definitions) ?? definitions,
    quotaLimits: { volumes: 8, gigabytes: 40, snapshots: 8, per_volume_gigabytes: 8 },
    embedded,
    many,
    mutant: options.mutant ?? null,
    note: history.fields,
  };

  let api: Api | null = null;
  /** Processes that carry operations out: all of them are up when the world has come to rest. */
  let workers: readonly (readonly [string, readonly OperationsRole[] | undefined])[] = [['server', undefined]];

  /** Keeps one process running: starts it again when it died, or could not start. */
  const supervise = async (name: string, start: (process: SimProcess) => Promise<void>, ended: () => void) => {
    for (let incarnation = 1; ; incarnation += 1) {
      const wallOffsetMs = random.chance(weather.clockJump) ? random.between(-3_600_000, 3_600_000) : 0;
      const process = scheduler.spawn(`${name}-${incarnation}`, wallOffsetMs);
      alive.add(process);
      history.note(process.name, 'starts');
      const started = start(process).catch((error: unknown) => {
        history.fields(process.name, 'cannot start', { err: error });
        scheduler.kill(process);
      });
      await Promise.race([started, process.died]);
      await process.died;
      alive.delete(process);
      ended();
      await scheduler.turn(supervisor, `start ${name} again`, { delayMs: random.between(0, 2_000) });
    }
  };

  if (embedded) {
    const start = async (process: SimProcess): Promise<void> => {
      const server = await startServer(machine, process);
      api = server.api;
      operations.set('server', server.operations);
    };
    void supervise('server', start, () => {
      api = null;
      operations.delete('server');
    });
  } else {
    void supervise(
      'api',
      async (process) => {
        api = await startApi(machine, process);
      },
      () => {
        api = null;
      },
    );
    workers = many ? rolesOf(random) : [['operations', undefined]];
    for (const [name, roles] of workers) {
      void supervise(
        name,
        async (process) => {
          operations.set(name, await startOperations(machine, process, undefined, roles));
        },
        () => operations.delete(name),
      );
    }
  }

  const clients = createClients({
    scheduler,
    process: scheduler.spawn('clients'),
    observer,
    api: () => api,
    isShown: (volumeId) => readStore.base.documents('volumes').has(volumeId),
    note: (line) => history.note('clients', line),
  });
  const problems: Violation[] = [];
  const problem = (what: string, streams: readonly string[] = []): void => {
    problems.push({ what, streams });
  };
  const parkedNow = (): string[] =>
    [...observer.log.open].filter((id) => observer.log.operations.get(id)?.phase === 'parked');
  const atRest = (): boolean =>
    api !== null &&
    operations.size === workers.length &&
    observer.log.open.size === parkedNow().length &&
    openOrphans(observer.log) + chargedAgain(observer.log) === 0;
  const abandoned = new Set<string>();
  let parked = 0;

  const runAll = async (): Promise<void> => {
    let asked = false;
    void clients.run(random.between(4, 40)).then(() => {
      asked = true;
    });
    if (!(await scheduler.run(() => asked, STORM_LIMITS))) {
      problem('clients wait for an answer that never comes');
      return;
    }
    history.note('world', 'calm');
    weather = CALM;
    scheduler.pace = CALM.pace;
    for (let round = 0; ; round += 1) {
      if (!(await scheduler.run(atRest, REST_LIMITS))) {
        for (const id of observer.log.open) problem(`operation ${id} does not end`, [`operation-${id}`]);
        if (openOrphans(observer.log) + chargedAgain(observer.log) > 0) problem('an orphaned charge is never lapsed');
        return;
      }
      const waiting = parkedNow();
      parked += waiting.length;
      if (waiting.length === 0) break;
      if (round === ROUNDS_OF_OPERATORS) {
        for (const id of waiting) problem(`operation ${id} parks again and again`, [`operation-${id}`]);
        return;
      }
      await operator(waiting, round);
    }
    await stopOperations();
    await caughtUp();
    await stopReadModels();
  };

  /** An operator looks at what is parked: tries it again, or gives up what cannot be undone. */
  const operator = async (waiting: readonly string[], round: number): Promise<void> => {
    let answered = 0;
    for (const operationId of waiting) {
      const action = round > 0 && random.chance(0.2) ? 'abandon' : 'retry';
      if (action === 'abandon') abandoned.add(operationId);
      history.note('operator', `${action} operation ${operationId}`);
      const commandId = `operator-${round}-${operationId}`;
      const actor = { userId: 'operator', projectId: 'admin', roles: ['admin'], kind: 'user' } as const;
      const context = { commandId, correlationId: `req-${commandId}`, causationId: commandId, actor };
      void api?.operations.resume({ operationId, action }, context).finally(() => {
        answered += 1;
      });
    }
    if (!(await scheduler.run(() => answered === waiting.length, REST_LIMITS))) problem('an operator gets no answer');
  };

  const caughtUp = async (): Promise<void> => {
    let reached: boolean | null = null;
    const head = observer.log.head ?? 0n;
    void api?.projections.waitFor(head, 60_000).then((done) => {
      reached = done;
    });
    await scheduler.run(() => reached !== null, REST_LIMITS);
    if (reached !== true) problem('the read models do not catch up with the log');
  };

  /**
   * What the runner knows is what the log says; then it stops, and keeps nothing as unfinished. Not while one stands still:
   * a keeper that hears of the stop when its lease has run out leaves what is saved to the next, and here there is none.
   */
  const stopOperations = async (): Promise<void> => {
    const all = (): readonly Operations[] => [...operations.values()];
    const knows = (): boolean =>
      all().every(({ runner, orphans }) => runner.open().length === 0 && orphans.open().length === 0) &&
      all().some(({ isKeeper }) => isKeeper()) &&
      [...alive].every(({ pausedUntilMs }) => pausedUntilMs <= scheduler.nowMs);
    if (!(await scheduler.run(knows, REST_LIMITS))) {
      const ids = all().flatMap(({ runner }) => runner.open().map(({ id }) => id));
      problem(`the runner does not know that all has ended: ${ids.join(', ')}`);
      return;
    }
    if (!(await stopped(Promise.all(all().map((one) => one.stop()))))) problem('operations at rest do not stop');
    else if (coordination.work.size > 0) {
      const left = [...coordination.work.values()].map(({ kind, id }) => `${kind} ${id}`);
      problem(`unfinished work is kept of what has ended: ${left.join(', ')}`);
    }
  };

  const stopReadModels = async (): Promise<void> => {
    if (!(await stopped(api?.projections.stop()))) problem('read models do not stop');
  };

  const stopped = async (stopping: Promise<unknown> | undefined): Promise<boolean> => {
    let done = false;
    void stopping?.then(() => {
      done = true;
    });
    return scheduler.run(() => done, STOP_LIMITS);
  };

  await runAll();
  const told: readonly Told[] = clients.told;
  const found = await violationsOf({ observer, backends, readStore: readStore.base, told, abandoned, problems });
  for (const process of alive) scheduler.kill(process);
  return {
    seed,
    violations: found,
    figures: {
      steps: scheduler.steps,
      simulatedMs: scheduler.nowMs,
      events: log.events.length,
      crashes,
      parked,
      operations: observer.log.operations.size,
    },
    history,
  };
}

const backendsOf = (random: Random): readonly (readonly [string, Readonly<Record<string, number>>])[] => [
  ['a', { one: random.between(8, 40) }],
  ['b', { two: random.between(6, 20), three: random.between(3, 8) }],
];

/** Two to four processes; each role is had by one at least. */
const rolesOf = (random: Random): readonly (readonly [string, readonly OperationsRole[]])[] => {
  const both: readonly OperationsRole[] = ['operations', 'storage'];
  const first: readonly (readonly OperationsRole[])[] = random.chance(0.5) ? [both] : [['operations'], ['storage']];
  const more = Array.from(
    { length: random.between(1, 2) },
    () => random.pick([both, ['operations'], ['storage']] as const) ?? both,
  );
  return [...first, ...more].map((roles, index) => [`worker${index + 1}`, roles] as const);
};

const withShortDeadlines = (definition: OperationDefinition): OperationDefinition => {
  const shorten = (step: Step<never>): Step<never> =>
    step.effect === 'world' ? { ...step, timeoutMs: WORLD_DEADLINE_MS } : step;
  const steps = definition.steps.map((part) =>
    'items' in part ? { ...part, step: (item: string) => shorten(part.step(item)) } : shorten(part),
  );
  return { ...definition, steps };
};
