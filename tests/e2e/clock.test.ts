import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { createAcknowledged } from '../crash/acknowledged.ts';
import { besideServer } from '../crash/beside-server.ts';
import { createLoad } from '../crash/load.ts';
import { MIXED_CONFIG, prepareProjects } from '../crash/mixed-load.ts';
import { createRandom } from '../crash/random.ts';
import { createLocalServer } from './local-server.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The machine's clocks, of which somebody sets the one on the wall. */
function createSetClock(): Clock & { set(byMs: number): void } {
  let offMs = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + offMs,
    set: (byMs) => {
      offMs += byMs;
    },
  };
}

describe('a clock that is set while everything goes on', () => {
  const clock = createSetClock();
  // Beats come seldom, so that the clock is wrong about them for longer than the drill takes.
  const storage = { ...MIXED_CONFIG.storage, reportEverySeconds: 30 };
  const server = createLocalServer({ ...MIXED_CONFIG, storage }, undefined, clock);
  beforeAll(() => server.start());
  afterAll(() => server.dispose());

  const recordedTimes = async (): Promise<readonly number[]> => {
    const times: number[] = [];
    await besideServer(server.config, async ({ eventStore }) => {
      for await (const { recordedAt } of eventStore.readAll()) times.push(recordedAt);
    });
    return times;
  };

  it('an hour back, a day forward and back again: everything ends within seconds, and nothing is recorded earlier than what came before', async () => {
    await prepareProjects(server.url);
    const acknowledged = createAcknowledged();
    const load = createLoad(createRandom(7), acknowledged);
    for (const byMs of [-HOUR_MS, DAY_MS, -DAY_MS, 2 * DAY_MS]) {
      const ended = new AbortController();
      const clients = load.run(server.url, 6, ended.signal);
      await Promise.race([sleep(500), clients]);
      clock.set(byMs);
      await Promise.race([sleep(500), clients]);
      ended.abort();
      await clients;
      const setAt = performance.now();
      await server.expectSound();
      expect(performance.now() - setAt, 'ms until rest').toBeLessThan(10_000);
    }
    expect(acknowledged.figures.acknowledged).toBeGreaterThan(50);
    const times = await recordedTimes();
    expect(times.every((time, at) => time >= (times[at - 1] ?? 0))).toBe(true);
    const reasons = [...server.log.operations.values()].map(({ reason }) => JSON.stringify(reason));
    expect(reasons.filter((reason) => reason.includes('is down'))).toEqual([]);
  });

  it('which stays wrong over a restart: leases are had at once, and what is asked for is done', async () => {
    clock.set(-3 * DAY_MS);
    await server.stop();
    const stoppedAt = performance.now();
    await server.start();
    await server.available({ size: 1 });
    expect(performance.now() - stoppedAt).toBeLessThan(5_000);
    await server.expectSound();
  });
});
