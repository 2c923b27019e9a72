import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiDependencies } from './dependencies.ts';
import { registerHealth } from './health.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { AnyRoute } from './route.ts';
import { lazy } from './schema-versions.ts';

/** What operators and tools ask for, without a token: health, figures, the API's description. */
export function registerOperational(
  app: FastifyInstance,
  deps: ApiDependencies,
  metrics: RequestMetrics,
  routes: readonly AnyRoute[],
): void {
  registerHealth(app, deps, metrics);
  const description = lazy(async () => {
    const { openApiDocument } = await import('./openapi.ts');
    return openApiDocument(routes);
  });
  app.get('/openapi.json', async (_request, reply) => reply.send(await description()));
  registerPage(app, description);
}

/** The interactive page, an application of its own that is built at its first request. */
function registerPage(app: FastifyInstance, description: () => Promise<object>): void {
  const page = lazy(async () => {
    const { createDocsPage } = await import('./docs-page.ts');
    return createDocsPage(await description());
  });
  const forward = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { routing } = await page();
    reply.hijack();
    routing(request.raw, reply.raw);
  };
  app.get('/docs', forward);
  app.get('/docs/*', forward);
  app.addHook('onClose', async () => {
    if (page.used()) await (await page()).close();
  });
}
