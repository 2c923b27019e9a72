import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiDependencies } from './dependencies.ts';
import { answerOf } from './faults.ts';
import { baseUrlOf } from './links.ts';
import {
  MAXIMUM_MICROVERSION,
  MINIMUM_MICROVERSION,
  microversionFault,
  microversionHeader,
  negotiate,
} from './microversion.ts';
import { JSON_TYPE, newRequestId, sendFault, setVersionHeaders } from './reply.ts';

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
export function registerVersions(app: FastifyInstance, deps: ApiDependencies): void {
  const body = (request: FastifyRequest): string => JSON.stringify(versionsDocument(baseUrlOf({ deps, request })));
  app.get('/', (request, reply) => {
    const negotiated = negotiate(request.headers['openstack-api-version']);
    const used = negotiated.kind === 'accepted' ? negotiated.microversion : MINIMUM_MICROVERSION;
    reply.code(300).header('x-openstack-request-id', newRequestId());
    sendVersioned(reply, microversionHeader(used), body(request));
  });
  for (const url of ['/v3', '/v3/']) {
    app.route({
      method: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'],
      url,
      handler: (request, reply) => {
        reply.header('x-openstack-request-id', newRequestId());
        const negotiated = negotiate(request.headers['openstack-api-version']);
        if (negotiated.kind === 'accepted') {
          sendVersioned(reply, microversionHeader(negotiated.microversion), body(request));
          return;
        }
        if (negotiated.kind === 'unsupported' && negotiated.echo !== null) setVersionHeaders(reply, negotiated.echo);
        sendFault(reply, answerOf(microversionFault(negotiated)));
      },
    });
  }
}

function sendVersioned(reply: FastifyReply, version: string, body: string): void {
  setVersionHeaders(reply, version);
  void reply.header('content-type', JSON_TYPE).send(body);
}
