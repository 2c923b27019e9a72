import type { Clock } from '../../src/ports/clock.ts';
import type { Random } from '../crash/random.ts';

/** One process of the simulated world. What it was doing when it dies is gone for ever. */
export interface SimProcess {
  readonly name: string;
  readonly alive: boolean;
  readonly died: Promise<void>;
  /** Difference of its wall clock from simulated time, in ms: clocks lie. */
  readonly wallOffsetMs: number;
  /** Until then it does nothing, and knows nothing of it; its clocks go on. */
  readonly pausedUntilMs: number;
}

/** How fast things are in one run; chosen by the seed. */
export interface Pace {
  /** How long one call of a store or backend takes, in ms. */
  latencyMs(random: Random): number;
}

export interface Scheduler {
  readonly random: Random;
  /** Simulated ms since the beginning. */
  readonly nowMs: number;
  readonly steps: number;
  spawn(name: string, wallOffsetMs?: number): SimProcess;
  kill(process: SimProcess): void;
  /** Stops a process for so many ms, in the middle of whatever it does. */
  pause(process: SimProcess, ms: number): void;
  /**
   * A call goes out and comes back: resolves when its turn has come. Rejects with the signal's reason when that aborts
   * first. Of a dead process it never does.
   */
  turn(
    process: SimProcess,
    label: string,
    options?: { readonly delayMs?: number; readonly signal?: AbortSignal },
  ): Promise<void>;
  clockOf(process: SimProcess): Clock;
  /** Goes on, step by step, until `until` holds; false when it does not within the limits. */
  run(until: () => boolean, limits: { readonly steps: number; readonly ms: number }): Promise<boolean>;
  /** How fast calls are from now on. */
  pace: Pace;
}

interface Waiting {
  readonly process: SimProcess;
  readonly atMs: number;
  readonly label: string;
  /** Takes it off its signal, then lets it go on. */
  go(): void;
}

/** Wall time at the beginning of every run. */
export const EPOCH = Date.UTC(2026, 0, 1);

/**
 * Owns time and I/O: between two steps every process waits for something, and a seed decides which of the things that
 * are ready goes on. Time moves only when nothing is ready.
 */
export function createScheduler(options: {
  readonly random: Random;
  readonly pace: Pace;
  /** Called between two steps, when everything stands still: the place for crashes. True where one happened. */
  readonly betweenSteps: () => boolean;
  readonly onStep?: (step: number, nowMs: number, process: string, label: string) => void;
}): Scheduler {
  const { random, betweenSteps, onStep } = options;
  let waiting: Waiting[] = [];
  let nowMs = 0;
  let steps = 0;

  /** Everything that can go on without I/O has gone on. */
  const stillness = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  const wait = (process: SimProcess, label: string, delayMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (!process.alive) return;
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        waiting = waiting.filter((one) => one !== self);
        reject(signal?.reason);
      };
      const go = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const self: Waiting = { process, atMs: nowMs + delayMs, label, go };
      waiting.push(self);
      signal?.addEventListener('abort', onAbort, { once: true });
    });

  const readyMs = ({ atMs, process }: Waiting): number => Math.max(atMs, process.pausedUntilMs);

  const takeNext = (): Waiting | null => {
    let earliest = Number.POSITIVE_INFINITY;
    for (const one of waiting) earliest = Math.min(earliest, readyMs(one));
    if (earliest === Number.POSITIVE_INFINITY) return null;
    if (earliest > nowMs) nowMs = earliest;
    const ready = waiting.filter((one) => readyMs(one) <= nowMs);
    const chosen = random.pick(ready) ?? null;
    if (chosen !== null) waiting = waiting.filter((one) => one !== chosen);
    return chosen;
  };

  const kills = new WeakMap<SimProcess, () => void>();
  const pauses = new WeakMap<SimProcess, (untilMs: number) => void>();

  const scheduler: Scheduler = {
    random,
    pace: options.pace,
    get nowMs() {
      return nowMs;
    },
    get steps() {
      return steps;
    },
    spawn: (name, wallOffsetMs = 0) => {
      const { promise: died, resolve } = Promise.withResolvers<void>();
      const process = { name, alive: true, died, wallOffsetMs, pausedUntilMs: 0 };
      pauses.set(process, (untilMs) => {
        process.pausedUntilMs = untilMs;
      });
      kills.set(process, () => {
        process.alive = false;
        waiting = waiting.filter((one) => one.process !== process);
        resolve();
      });
      return process;
    },
    kill: (process) => kills.get(process)?.(),
    pause: (process, ms) => pauses.get(process)?.(nowMs + ms),
    turn: (process, label, { delayMs = scheduler.pace.latencyMs(random), signal } = {}) =>
      wait(process, label, delayMs, signal),
    clockOf: (process) => ({
      now: () => EPOCH + process.wallOffsetMs + Math.floor(nowMs),
      monotonicMs: () => nowMs,
      sleep: (ms, signal) => wait(process, `timer of ${ms} ms`, ms, signal),
    }),
    run: async (until, limits) => {
      const lastStep = steps + limits.steps;
      const lastMs = nowMs + limits.ms;
      for (;;) {
        await stillness();
        if (until()) return true;
        if (steps >= lastStep || nowMs > lastMs) return false;
        if (betweenSteps()) await stillness();
        const next = takeNext();
        if (next === null) return until();
        steps += 1;
        onStep?.(steps, nowMs, next.process.name, next.label);
        next.go();
      }
    },
  };
  return scheduler;
}
