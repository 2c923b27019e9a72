import type { Health, Readiness } from '../api/dependencies.ts';
import type { Clock } from '../ports/clock.ts';
import { inTime } from '../ports/in-time.ts';
import { type EngineFailure, type EngineName, failureOf, wordsOf } from './engine-reasons.ts';
import type { Stores } from './stores.ts';

/** An engine that can be asked whether it answers. */
export interface Engine {
  readonly name: EngineName;
  /** A small read; rejects where the engine does not answer. */
  ask(): Promise<unknown>;
}

export interface EngineHealth {
  /** Which engines do not answer now, in words for `/readyz`; decided within ENGINE_ANSWERS_MS. */
  missing(): Promise<readonly string[]>;
}

interface EngineHealthOptions {
  readonly engines: readonly Engine[];
  readonly clock: Clock;
  readonly logger: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/** An engine that takes longer over a small read is away for whoever asks. */
export const ENGINE_ANSWERS_MS = 1_000;
/** What readiness takes beside that: together less than two seconds, the usual limit of who asks. */
const READINESS_MS = 800;

/**
 * Asks the engines when it is asked. One question to each is under way at a time: an engine that hangs is not asked
 * again and again, and the next answer shows that it is back. What changes is logged once.
 */
export function createEngineHealth({ engines, clock, logger }: EngineHealthOptions): EngineHealth {
  const asked = new Map<EngineName, Promise<unknown>>();
  const away = new Set<EngineName>();

  const asking = ({ name, ask }: Engine): Promise<unknown> => {
    const underWay = asked.get(name);
    if (underWay !== undefined) return underWay;
    const answer = Promise.resolve().then(ask);
    asked.set(name, answer);
    const done = (): boolean => asked.delete(name);
    answer.then(done, done);
    return answer;
  };

  const note = (name: EngineName, failure: EngineFailure | null): void => {
    if (failure === null) {
      if (away.delete(name)) logger.info({ engine: name }, 'engine answers again');
    } else if (!away.has(name)) {
      away.add(name);
      logger.warn({ ...failure }, 'engine does not answer');
    }
  };

  const failureNow = async (engine: Engine): Promise<EngineFailure | null> => {
    const answer = await inTime(clock, asking(engine), ENGINE_ANSWERS_MS);
    const failure =
      answer === 'late'
        ? { engine: engine.name, reason: `no answer within ${ENGINE_ANSWERS_MS} ms`, passing: true }
        : answer instanceof Error
          ? failureOf(engine.name, answer)
          : null;
    note(engine.name, failure);
    return failure;
  };

  return {
    missing: async () => {
      const failures = await Promise.all(engines.map(failureNow));
      return failures.filter((failure) => failure !== null).map(wordsOf);
    },
  };
}

/** The health of a process that asks its engines first: where one is away, nothing else can be found out. */
export function healthOver(
  health: Health,
  {
    stores,
    clock,
    logger,
  }: Pick<EngineHealthOptions, 'clock' | 'logger'> & { readonly stores: Pick<Stores, 'engines'> },
): Health {
  if (stores.engines.length === 0) return health;
  const engines = createEngineHealth({ engines: stores.engines, clock, logger });
  const readiness = async (): Promise<Readiness> => {
    const missing = await engines.missing();
    if (missing.length > 0) return { ready: false, missing };
    const found = await inTime(clock, Promise.resolve(health.readiness()), READINESS_MS);
    if (found instanceof Error) return { ready: false, missing: [failureOf('coordination', found).reason] };
    return found === 'late' ? { ready: false, missing: ['the stores answer too slowly to tell'] } : found;
  };
  return { ...health, readiness };
}
