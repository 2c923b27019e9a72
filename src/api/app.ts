import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { MAX_BODY_BYTES } from './body.ts';
import { CONNECTION_LIMITS, letGoWhenStopping, serverOptions } from './connections.ts';
import type { ApiContext, ApiDependencies } from './dependencies.ts';
import { dispatch, endpointsOf } from './dispatch.ts';
import { answerOf, badRequest, Fault, notFound } from './faults.ts';
import { registerOperational } from './operational.ts';
import { type Headers, newRequestId, sendFault, sendUnauthenticated, tokenOf } from './reply.ts';
import { createRequestMetrics } from './request-metrics.ts';
import type { AnyRoute } from './route.ts';
import { ROUTES } from './routes.ts';
import { createTypeNames } from './type-names.ts';
import { registerVersions } from './versions.ts';

const TEXT = 'text/plain; charset=UTF-8';
const HTML = 'text/html; charset=UTF-8';
const NOT_FOUND_TEXT = '404 Not Found\n\nThe resource could not be found.\n\n   ';
const TOO_LARGE_TEXT = '413 Request Entity Too Large\n\nThe body of your request was too large.\n\n   ';
/** Longer path parameters than any id or metadata key; what is longer still is simply not found. */
const MAX_PARAM_LENGTH = 8_192;

/** The API as a Fastify instance that does not listen. */
export function createApp(deps: ApiDependencies, routes: readonly AnyRoute[] = ROUTES): FastifyInstance {
  const { connections = CONNECTION_LIMITS } = deps.config;
  const collections = collectionPaths(routes);
  const app = Fastify({
    logger: false,
    ...serverOptions(connections),
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: false,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    routerOptions: { ignoreDuplicateSlashes: true, maxParamLength: MAX_PARAM_LENGTH },
    rewriteUrl: ({ url = '/' }) => (url.includes('.json') ? withoutJsonSuffix(url, collections) : url),
    frameworkErrors: (error, _request, reply) => sendPathError(error, reply),
  });
  app.server.maxConnections = connections.maxConnections;
  letGoWhenStopping(app);
  acceptAnyBody(app);
  const context: ApiContext = {
    ...deps,
    config: { ...deps.config, publicEndpoint: deps.config.publicEndpoint?.replace(/\/+$/, '') ?? null },
    typeNames: createTypeNames(deps.queries.volumeTypes, deps.clock),
  };
  const metrics = createRequestMetrics();
  for (const [key, endpoint] of endpointsOf(routes)) {
    const [method = 'GET', path = '/'] = key.split(' ');
    const last = path.endsWith('}') ? path.slice(path.lastIndexOf('{') + 1, -1) : null;
    const handler = (request: FastifyRequest, reply: FastifyReply): void => {
      // a trailing slash is an unknown path, not a parameter without letters
      if (last !== null && (request.params as Record<string, string>)[last] === '') reply.callNotFound();
      else void dispatch(endpoint, context, metrics, request, reply);
    };
    const routed = path.replaceAll(/\{(\w+)\}/g, ':$1');
    app.route({ method, url: `/v3/:project_id${routed}`, handler });
    app.route({ method, url: `/v3${routed}`, handler });
  }
  registerVersions(app, context);
  registerOperational(app, deps, metrics, routes);
  app.setNotFoundHandler((request, reply) => sendUnknownRoute(request, reply, deps, routes));
  app.setErrorHandler((error, request, reply) => sendFrameworkError(error, request, reply, deps));
  return app;
}

/** Routes check their input by zod; the compilers of JSON schemas would be loaded for nothing. */
const noSchemas = (): never => {
  throw new Error('no route has a JSON schema');
};

/** Bodies are taken as they come: which Content-Type counts, and what is text, is decided where the body is used. */
function acceptAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/** Paths without parameters: collections, and `detail` and the like beneath them. */
const collectionPaths = (routes: readonly AnyRoute[]): ReadonlySet<string> =>
  new Set(routes.map(({ path }) => path).filter((path) => !path.includes('{')));

/** A collection may be asked for as `volumes.json`; elsewhere `.json` is part of a name. */
function withoutJsonSuffix(url: string, collections: ReadonlySet<string>): string {
  const query = url.indexOf('?');
  const end = query < 0 ? url.length : query;
  const path = url.slice(0, end);
  const bare = path.endsWith('.json') ? path.slice(0, -'.json'.length) : path;
  const beneath = bare.replace(/^\/v3/, '');
  const isCollection = collections.has(beneath) || collections.has(beneath.replace(/^\/[^/]+/, ''));
  return isCollection ? bare + url.slice(end) : url;
}

/** Unknown paths, trailing slashes and methods a path does not have: 404 as plain text (contract/errors.md §2). */
async function sendUnknownRoute(
  request: FastifyRequest,
  reply: FastifyReply,
  deps: ApiDependencies,
  routes: readonly AnyRoute[],
): Promise<FastifyReply> {
  const headers: Headers = { 'x-openstack-request-id': newRequestId() };
  if (request.url.startsWith('/v3/')) {
    const authentication = await deps.auth.authenticate(tokenOf(request));
    if (authentication.kind === 'refused') {
      sendUnauthenticated(reply, headers, authentication);
      return reply;
    }
  }
  if (request.method === 'GET' && isEditPath(request.url, routes)) {
    sendFault(reply, headers, answerOf(notFound()));
    return reply;
  }
  const type = request.method === 'HEAD' ? HTML : TEXT;
  return reply.code(404).headers(headers).type(type).send(NOT_FOUND_TEXT);
}

/** `GET .../{id}/edit` is routed in the original but has no method: a 404 as JSON. */
function isEditPath(url: string, routes: readonly AnyRoute[]): boolean {
  const segments = url.split('?', 1)[0]?.split('/') ?? [];
  if (segments.at(-1) !== 'edit') return false;
  const collection = segments.at(-3) ?? '';
  return routes.some(({ path }) => path === `/${collection}`);
}

/** A path that cannot be read is bad input; a part of it that is longer than any id or key is of nothing there is. */
function sendPathError({ code, message }: Error & { readonly code: string }, reply: FastifyReply): void {
  const fault = code === 'FST_ERR_MAX_PARAM_LENGTH' ? notFound() : badRequest(message);
  sendFault(reply, { 'x-openstack-request-id': newRequestId() }, answerOf(fault));
}

function sendFrameworkError(error: unknown, request: FastifyRequest, reply: FastifyReply, deps: ApiDependencies): void {
  const requestId = newRequestId();
  const headers: Headers = { 'x-openstack-request-id': requestId };
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    void reply.code(413).headers(headers).type(TEXT).send(TOO_LARGE_TEXT);
    return;
  }
  const clientMistake = statusOf(error);
  const answer = answerOf(clientMistake ?? error);
  if (answer.unexpected) deps.logger.error({ err: error, requestId, url: request.url }, 'request failed');
  sendFault(reply, headers, answer);
}

/** What the framework itself refuses: bad Content-Type headers and lengths. */
function statusOf(error: unknown): Fault | null {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return null;
  if (error.statusCode === 415) return new Fault(415, 'Unsupported Content-Type');
  return typeof error.statusCode === 'number' && error.statusCode < 500
    ? new Fault(400, 'Malformed request body')
    : null;
}
