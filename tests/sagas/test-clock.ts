import type { Clock } from '../../src/ports/clock.ts';

/** Time that stands still until everything waits, and then goes on to the next timer. */
export interface TestClock extends Clock {
  /** Goes on until `holds`; throws when nothing is left to wait for, or after so much of its own time. */
  until(holds: () => boolean, withinMs?: number): Promise<void>;
  /** Lets this much of its own time pass. */
  pass(ms: number): Promise<void>;
  /** Puts the wall clock forward or, below zero, back; what is slept is not affected. */
  shiftWall(ms: number): void;
}

interface Timer {
  readonly atMs: number;
  go(): void;
}

/** Far enough from zero that a clock can be put back. */
const START = Date.UTC(2026, 0, 1);
const A_DAY_MS = 24 * 3_600_000;

export function createTestClock(): TestClock {
  let timers: Timer[] = [];
  let nowMs = 0;
  let wallShiftMs = 0;

  const stillness = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  const next = (): Timer | undefined =>
    timers.reduce<Timer | undefined>(
      (first, one) => (first === undefined || one.atMs < first.atMs ? one : first),
      undefined,
    );

  const until: TestClock['until'] = async (holds, withinMs = A_DAY_MS) => {
    const deadline = nowMs + withinMs;
    for (;;) {
      await stillness();
      if (holds()) return;
      const timer = next();
      if (timer === undefined) throw new Error('nothing goes on any more, and what is waited for has not come');
      if (timer.atMs > deadline) throw new Error(`what is waited for has not come within ${withinMs} ms`);
      timers = timers.filter((one) => one !== timer);
      nowMs = timer.atMs;
      timer.go();
    }
  };

  const clock: TestClock = {
    now: () => START + wallShiftMs + nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const onAbort = (): void => {
          timers = timers.filter((one) => one !== timer);
          reject(signal?.reason);
        };
        const go = (): void => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        };
        const timer: Timer = { atMs: nowMs + ms, go };
        timers.push(timer);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    until,
    pass: async (ms) => {
      let passed = false;
      void clock.sleep(ms).then(() => {
        passed = true;
      });
      await until(() => passed);
    },
    shiftWall: (ms) => {
      wallShiftMs += ms;
    },
  };
  return clock;
}
