import Fastify, { type FastifyInstance } from 'fastify';
import { CONNECTION_LIMITS, type ConnectionLimits, letGoWhenStopping, serverOptions } from './connections.ts';
import type { Health } from './dependencies.ts';
import { createRequestMetrics, type RequestMetrics } from './request-metrics.ts';

/** Liveness, readiness and figures, without a token. */
export function registerHealth(app: FastifyInstance, health: Health, metrics: RequestMetrics): void {
  for (const url of ['/healthz', '/healthcheck'])
    app.get(url, (_request, reply) => reply.type('text/plain').send('OK'));
  app.get('/readyz', async (_request, reply) => {
    const { ready, missing } = await health.readiness();
    return reply.code(ready ? 200 : 503).send({ ready, missing });
  });
  app.get('/metrics', async (_request, reply) => {
    const { exposition } = await import('./metrics-exposition.ts');
    const { contentType, text } = await exposition(metrics, (await health.metrics?.()) ?? []);
    return reply.type(contentType).send(text);
  });
}

/** What a process without the API serves, as a Fastify instance that does not listen; all else is not found. */
export function createHealthApp(health: Health, connections: ConnectionLimits = CONNECTION_LIMITS): FastifyInstance {
  const app = Fastify({ logger: false, ...serverOptions(connections) });
  app.server.maxConnections = connections.maxConnections;
  letGoWhenStopping(app);
  registerHealth(app, health, createRequestMetrics());
  return app;
}
