import { expect, it } from 'vitest';
import { createHealthApp } from '../../src/api/health.ts';

it('a stop answers the request under way, and then waits no longer for its connection', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const app = createHealthApp({
    readiness: async () => {
      asked.resolve();
      await promise;
      return { ready: true, missing: [] };
    },
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  // a client that keeps its connection, as they do unless told otherwise
  const answer = fetch(`${url}/readyz`);
  await asked.promise;
  const startedMs = performance.now();
  const closing = app.close();
  // only an answer from then on leaves its connection behind
  while (app.server.listening) await new Promise(setImmediate);
  await new Promise((later) => setTimeout(later, 50));
  resolve();
  expect(await (await answer).json()).toEqual({ ready: true, missing: [] });
  await closing;
  expect(performance.now() - startedMs).toBeLessThan(10_000);
}, 90_000);
