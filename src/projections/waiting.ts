import type { Clock } from '../ports/clock.ts';
import type { Position } from '../ports/event-store.ts';

/** Those who wait until a position has been reached. */
export interface Waiting {
  /** True once it is reached, false after `timeoutMs`. */
  until(position: Position, timeoutMs: number): Promise<boolean>;
  /** Everything up to here is reached. */
  reached(position: Position): void;
  /** Nothing will be reached any more. */
  giveUp(): void;
}

interface Waiter {
  readonly position: Position;
  settle(reached: boolean): void;
}

/** Why a waiter's timer ends; without a reason of its own, each abort makes an error with a stack. */
const SETTLED = 'settled';

export function createWaiting(clock: Clock): Waiting {
  const waiters = new Set<Waiter>();

  const settle = (isSettled: (waiter: Waiter) => boolean, reached: boolean): void => {
    for (const waiter of waiters) if (isSettled(waiter)) waiter.settle(reached);
  };

  return {
    until: (position, timeoutMs) =>
      new Promise((resolve) => {
        const timer = new AbortController();
        const waiter: Waiter = {
          position,
          settle: (reached) => {
            waiters.delete(waiter);
            timer.abort(SETTLED);
            resolve(reached);
          },
        };
        waiters.add(waiter);
        clock.sleep(timeoutMs, timer.signal).then(
          () => waiter.settle(false),
          () => undefined,
        );
      }),
    reached: (position) => settle((waiter) => waiter.position <= position, true),
    giveUp: () => settle(() => true, false),
  };
}
