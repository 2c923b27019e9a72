import type { Random } from '../crash/random.ts';
import type { Pace } from './scheduler.ts';

/** What a run may throw at the code: probabilities per call, chosen by the seed. All zero: calm. */
export interface Weather {
  readonly pace: Pace;
  /** Per step; `processes` of one run die at most `mostCrashes` times. */
  readonly crash: number;
  readonly mostCrashes: number;
  /** Of a crash: the disk loses what it had not been told to keep. */
  readonly powerLoss: number;
  /** Of a restart: the wall clock is another. */
  readonly clockJump: number;
  /** Per step, of many processes: one stands still for as long as its leases last, or longer. */
  readonly pause: number;
  /** Per claim or pin, of many processes: its writer stands still between the decision and the append. */
  readonly pauseBeforeClaim: number;
  /** Per step, of many processes: one is told to stop, and hands over what it has. */
  readonly leave: number;
  readonly append: { readonly down: number; readonly lost: number; readonly landed: number; readonly late: number };
  readonly readDown: number;
  readonly subscription: { readonly breaks: number; readonly repeats: number };
  readonly readStore: { readonly down: number; readonly landed: number };
  readonly coordination: { readonly down: number; readonly leaseLost: number };
  readonly driver: DriverWeather;
}

/** How one call of a driver comes out. What remains to 1 goes well. */
export interface DriverWeather {
  readonly retryable: number;
  readonly terminal: number;
  readonly busy: number;
  /** It is done, but the caller gets a timeout. */
  readonly doneButTimedOut: number;
  /** Takes longer than the step's deadline, and ends when it is told to. */
  readonly hangs: number;
  /** Takes longer, and does not listen. */
  readonly deaf: number;
  readonly slow: number;
  /** From now on everything fails, for a while. */
  readonly breaksDown: number;
  readonly setUpFails: number;
}

const NO_DRIVER_FAULTS: DriverWeather = {
  retryable: 0,
  terminal: 0,
  busy: 0,
  doneButTimedOut: 0,
  hangs: 0,
  deaf: 0,
  slow: 0,
  breaksDown: 0,
  setUpFails: 0,
};

const atOnce: Pace = { latencyMs: (random) => (random.chance(0.5) ? 0 : random.between(0, 3)) };

export const CALM: Weather = {
  pace: atOnce,
  crash: 0,
  mostCrashes: 0,
  powerLoss: 0,
  clockJump: 0,
  pause: 0,
  pauseBeforeClaim: 0,
  leave: 0,
  append: { down: 0, lost: 0, landed: 0, late: 0 },
  readDown: 0,
  subscription: { breaks: 0, repeats: 0 },
  readStore: { down: 0, landed: 0 },
  coordination: { down: 0, leaseLost: 0 },
  driver: NO_DRIVER_FAULTS,
};

const paces: readonly Pace[] = [
  atOnce,
  { latencyMs: (random) => random.between(0, 20) },
  {
    latencyMs: (random) =>
      random.weighted([
        [80, random.between(0, 10)],
        [18, random.between(10, 400)],
        [2, random.between(400, 8_000)],
      ]),
  },
];

/** The weather of one seed: some runs have no faults but bad timing, some have everything. */
export function weatherOf(random: Random, exclusive: boolean): Weather {
  const pace = random.pick(paces) ?? atOnce;
  const some = (probability: number): number =>
    random.weighted([
      [4, 0],
      [4, probability],
      [1, probability * 4],
    ]);
  if (random.chance(0.15)) return { ...CALM, pace };
  return {
    pace,
    pause: 0,
    pauseBeforeClaim: 0,
    leave: 0,
    crash: random.weighted([
      [2, 0],
      [4, 1 / 400],
      [2, 1 / 100],
    ]),
    mostCrashes: random.between(1, 5),
    powerLoss: 0.3,
    clockJump: 0.2,
    append: {
      down: some(0.01),
      lost: some(0.01),
      landed: some(0.02),
      // only one process writes to an embedded store, and what it sent dies with it
      late: exclusive ? 0 : some(0.01),
    },
    readDown: some(0.004),
    subscription: { breaks: some(0.004), repeats: some(0.02) },
    readStore: { down: some(0.01), landed: some(0.01) },
    coordination: { down: some(0.01), leaseLost: some(0.05) },
    driver: random.chance(0.25)
      ? NO_DRIVER_FAULTS
      : {
          retryable: some(0.05),
          terminal: some(0.05),
          busy: some(0.04),
          doneButTimedOut: some(0.05),
          hangs: some(0.02),
          deaf: some(0.015),
          slow: some(0.1),
          breaksDown: some(0.01),
          setUpFails: some(0.1),
        },
  };
}

/** The weather of several processes that carry operations out, side by side. */
export function weatherOfMany(random: Random): Weather {
  const weather = weatherOf(random, false);
  return {
    ...weather,
    mostCrashes: random.between(1, 4),
    pause: random.weighted([
      [1, 0],
      [4, 1 / 300],
      [2, 1 / 100],
    ]),
    leave: random.weighted([
      [2, 0],
      [2, 1 / 500],
    ]),
  };
}
