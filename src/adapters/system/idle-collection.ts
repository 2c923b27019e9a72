import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

const LOOK_EVERY_MS = 2_000;
/** Share of the time that the loop may be busy and still count as idle. */
const IDLE_BELOW = 0.02;
/** What must have come since the last collection for the next to be worth its pause: the more is live, the longer that is. */
const WORTH_SHARE = 0.25;
const WORTH_BYTES = 2 * 1024 * 1024;

/**
 * Collects this thread's garbage when there is nothing else to do, in a process that was started with --expose-gc. V8
 * collects when it needs room: what a start or a burst of requests leaves behind would stay in memory until the next.
 */
export function collectWhenIdle(): void {
  const { gc: collect } = globalThis;
  if (collect === undefined) return;
  let last = performance.eventLoopUtilization();
  let wasIdle = false;
  let live = 0;
  const look = (): void => {
    const now = performance.eventLoopUtilization();
    const isIdle = performance.eventLoopUtilization(now, last).utilization < IDLE_BELOW;
    last = now;
    const isWorthIt = getHeapStatistics().total_physical_size - live > Math.max(WORTH_BYTES, live * WORTH_SHARE);
    if (isIdle && wasIdle && isWorthIt) {
      // the kind that also gives pages back
      collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
      live = getHeapStatistics().total_physical_size;
    }
    wasIdle = isIdle;
  };
  setInterval(look, LOOK_EVERY_MS).unref();
}
