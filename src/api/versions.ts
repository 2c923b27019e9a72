import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiDependencies } from './dependencies.ts';
import { answerOf } from './faults.ts';
import { baseUrlOf } from './links.ts';
import {
  MAXIMUM_MICROVERSION,
  MINIMUM_MICROVERSION,
  type Microversion,
  microversionFault,
  microversionHeader,
  negotiate,
} from './microversion.ts';
import { type Headers, newRequestId, sendFault, sendJson, setVersionHeaders } from './reply.ts';

/** The document by which clients find the API's versions; the same at `/`, `/v3` and `/v3/` (contract/errors.md §1). */
export const versionsDocument = (baseUrl: string): object => ({
  versions: [
    {
      id: 'v3.0',
      status: 'CURRENT',
      version: `3.${MAXIMUM_MICROVERSION}`,
      min_version: `3.${MINIMUM_MICROVERSION}`,
      updated: '2023-08-31T00:00:00Z',
      links: [
        { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
        { rel: 'self', href: `${baseUrl}/v3/` },
      ],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
    },
  ],
});

/**
 * `/` answers 300 whatever is asked; `/v3` and `/v3/` answer 200 at any method. All without a token, so that clients
 * can discover versions before they have one (docs/differences.md).
 */
export function registerVersions(app: FastifyInstance, deps: Pick<ApiDependencies, 'config'>): void {
  const send = (request: FastifyRequest, reply: FastifyReply, status: number, microversion: Microversion): void => {
    const headers = newHeaders();
    setVersionHeaders(headers, microversionHeader(microversion));
    sendJson(reply, status, headers, JSON.stringify(versionsDocument(baseUrlOf({ deps, request }))));
  };
  app.get('/', (request, reply) => {
    const negotiated = negotiate(request.headers['openstack-api-version']);
    send(request, reply, 300, negotiated.kind === 'accepted' ? negotiated.microversion : MINIMUM_MICROVERSION);
  });
  const version = (request: FastifyRequest, reply: FastifyReply): void => {
    const negotiated = negotiate(request.headers['openstack-api-version']);
    if (negotiated.kind === 'accepted') {
      send(request, reply, 200, negotiated.microversion);
      return;
    }
    const headers = newHeaders();
    if (negotiated.kind === 'unsupported' && negotiated.echo !== null) setVersionHeaders(headers, negotiated.echo);
    sendFault(reply, headers, answerOf(microversionFault(negotiated)));
  };
  for (const url of ['/v3', '/v3/'])
    app.route({ method: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'], url, handler: version });
}

const newHeaders = (): Headers => ({ 'x-openstack-request-id': newRequestId() });
