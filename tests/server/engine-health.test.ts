import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/ports/event-store.ts';
import { createEngineHealth, type Engine, healthOver } from '../../src/server/engine-health.ts';
import { type EngineName, failureOf } from '../../src/server/engine-reasons.ts';
import { createTestClock, type TestClock } from '../sagas/test-clock.ts';

const collecting = () => {
  const lines: string[] = [];
  const add = (fields: object, message: string): number => lines.push(`${message} ${JSON.stringify(fields)}`);
  return { lines, logger: { info: add, warn: add } };
};

/** An engine whose next answers a test decides. */
const scripted = () => {
  const script = { asks: 0, next: async (): Promise<unknown> => null };
  const ask = (): Promise<unknown> => {
    script.asks += 1;
    return script.next();
  };
  return { script, engine: { name: 'event store', ask } as const };
};

describe('the health of engines', () => {
  it('names one that fails, and logs each change once', async () => {
    const { script, engine } = scripted();
    const { lines, logger } = collecting();
    const health = createEngineHealth({ engines: [engine], clock: createTestClock(), logger });
    expect(await health.missing()).toEqual([]);
    script.next = async () => {
      throw new StoreUnavailable('EventStoreDB: no leader', 'not-done');
    };
    expect(await health.missing()).toEqual(['event store: EventStoreDB: no leader']);
    await health.missing();
    script.next = async () => null;
    expect(await health.missing()).toEqual([]);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('engine does not answer');
    expect(lines[1]).toContain('engine answers again');
  });

  it('waits a second for one that hangs, and does not ask it again meanwhile', async () => {
    const { script, engine } = scripted();
    const clock = createTestClock();
    const health = createEngineHealth({ engines: [engine], clock, logger: collecting().logger });
    const { promise, resolve } = Promise.withResolvers<unknown>();
    script.next = () => promise;
    const startedMs = clock.monotonicMs();
    for (const _ of [1, 2, 3]) {
      const missing = health.missing();
      await clock.pass(1_000);
      expect(await missing).toEqual(['event store: no answer within 1000 ms']);
    }
    expect(clock.monotonicMs() - startedMs).toBe(3_000);
    expect(script.asks).toBe(1);
    resolve(null);
    script.next = async () => null;
    expect(await health.missing()).toEqual([]);
  });

  it('asks nothing else where an engine is away, and gives up on what is slow', async () => {
    const { script, engine } = scripted();
    const clock = createTestClock();
    let readinessAsked = 0;
    const readiness = () => {
      readinessAsked += 1;
      return new Promise<never>(() => undefined);
    };
    const health = healthOver({ readiness }, { stores: { engines: [engine] }, clock, logger: collecting().logger });
    script.next = async () => {
      throw new Error('wrong password');
    };
    expect(await health.readiness()).toEqual({ ready: false, missing: ['event store: wrong password'] });
    expect(readinessAsked).toBe(0);
    script.next = async () => null;
    const slow = health.readiness();
    await clock.pass(2_000);
    expect(await slow).toEqual({ ready: false, missing: ['the stores answer too slowly to tell'] });
  });
});

describe('readiness', () => {
  /** What a load balancer usually waits for an answer. */
  const USUAL_LIMIT_MS = 2_000;
  const hang = (): Promise<never> => new Promise(() => undefined);

  /** How long an answer took by the clock that the limits count on: the machine's speed has no part in it. */
  const answered = async (engines: readonly Engine[], clock: TestClock, readiness: () => Promise<never>) => {
    const health = healthOver({ readiness }, { stores: { engines }, clock, logger: collecting().logger });
    const startedMs = clock.monotonicMs();
    let answer: { readonly ready: boolean; readonly missing: readonly string[]; readonly ms: number } | null = null;
    void Promise.resolve(health.readiness()).then((found) => {
      answer = { ...found, ms: clock.monotonicMs() - startedMs };
    });
    await clock.until(() => answer !== null, USUAL_LIMIT_MS);
    return answer;
  };
  const named = (name: EngineName, ask: () => Promise<unknown>): Engine => ({ name, ask });

  it('is told within a second where every engine hangs: they are asked together', async () => {
    const engines = [named('event store', hang), named('read store', hang), named('coordination', hang)];
    const missing = engines.map(({ name }) => `${name}: no answer within 1000 ms`);
    expect(await answered(engines, createTestClock(), hang)).toEqual({ ready: false, missing, ms: 1_000 });
  });

  it('is told within two seconds at the worst: engines that only just answer, then stores that hang', async () => {
    const clock = createTestClock();
    const justInTime = () => clock.sleep(999);
    const engines = [named('event store', justInTime), named('read store', justInTime)];
    const answer = await answered(engines, clock, hang);
    expect(answer).toEqual({ ready: false, missing: ['the stores answer too slowly to tell'], ms: 1_799 });
  });
});

describe('the reason of a failure', () => {
  it.each([
    ['mongodb://u:p@ss@h/db is no good', '://***@h/db is no good'],
    ['cannot use "esdb+discover://a:b@x:1?tls=false"', '://***@x:1?tls=false'],
  ])('shows no credentials: %s', (message, shown) => {
    const { reason, passing } = failureOf('read store', new Error(message));
    expect(reason).toContain(shown);
    expect(reason).not.toMatch(/p@ss|a:b/);
    expect(passing).toBe(false);
  });
});
