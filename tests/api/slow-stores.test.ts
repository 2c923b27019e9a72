import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startThingServer, type ThingServer } from './things.ts';

let client: ThingServer;

beforeAll(async () => {
  client = await startThingServer({ answerWithinMs: 150 });
});
afterAll(() => client.close());

describe('a request that takes longer than a client is kept waiting', () => {
  it.each([['300'], ['301']])('is answered 503 once, whatever comes of it (%s)', async (ms) => {
    const startedMs = performance.now();
    const answer = await client.get(`/v3/demo/hangs/${ms}`);
    expect(performance.now() - startedMs).toBeLessThan(290);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(answer.json.serviceUnavailable.code).toBe(503);
    await sleep(300);
    expect(client.logged.some((line) => line.includes('late, and broken'))).toBe(ms === '301');
  });

  it('is answered as ever where it is in time', async () => {
    expect((await client.get('/v3/demo/hangs/10')).status).toBe(200);
  });
});
