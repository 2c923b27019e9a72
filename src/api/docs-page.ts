import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyInstance } from 'fastify';

/** The interactive page at `/docs`, as an application of its own whose `routing` serves what the API forwards. */
export async function createDocsPage(description: object): Promise<Pick<FastifyInstance, 'routing' | 'close'>> {
  const app = Fastify({ logger: false });
  await app.register(swagger, { mode: 'static', specification: { document: description as never } });
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { docExpansion: 'none', filter: true } });
  await app.ready();
  return app;
}
