import type { FastifyReply, FastifyRequest } from 'fastify';
import { StoreUnavailable } from '../ports/event-store.ts';
import { inTime } from '../ports/in-time.ts';
import type { Caller } from './auth.ts';
import { actionKeyOf, bodyText, noSuchAction, parseJson } from './body.ts';
import { authorize, type Call } from './call.ts';
import type { ApiContext } from './dependencies.ts';
import { answerOf, badRequest, invalid, notFound } from './faults.ts';
import { type Microversion, microversionFault, microversionHeader, negotiate } from './microversion.ts';
import { againOf } from './repeat.ts';
import {
  type Headers,
  newRequestId,
  sendFault,
  sendJson,
  sendUnauthenticated,
  setVersionHeaders,
  tokenOf,
} from './reply.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { AnyRoute } from './route.ts';
import { type SchemaVersions, schemaAt } from './schema-versions.ts';
import { jsonOf } from './written.ts';

/** Everything that answers at one method and path: one route, or several actions. */
export interface Endpoint {
  readonly routes: readonly AnyRoute[];
  /** Routes by action key; null where the path takes no actions. */
  readonly actions: ReadonlyMap<string, AnyRoute> | null;
}

/** Routes grouped by method and path, in the order of declaration. */
export function endpointsOf(routes: readonly AnyRoute[]): ReadonlyMap<string, Endpoint> {
  const grouped = new Map<string, AnyRoute[]>();
  for (const route of routes) {
    const key = `${route.method} ${route.path}`;
    const group = grouped.get(key);
    if (group === undefined) grouped.set(key, [route]);
    else group.push(route);
  }
  return new Map([...grouped].map(([key, group]) => [key, endpointOf(key, group)]));
}

function endpointOf(key: string, routes: readonly AnyRoute[]): Endpoint {
  const named = routes.filter(({ action }) => action !== undefined);
  if (named.length === 0) {
    if (routes.length > 1) throw new Error(`two routes are declared for ${key}`);
    return { routes, actions: null };
  }
  const actions = new Map(named.map((route) => [route.action ?? '', route]));
  if (actions.size !== routes.length) throw new Error(`the actions of ${key} are not told apart by their keys`);
  return { routes, actions };
}

/** One request on its way to its answer. */
interface Exchange {
  readonly endpoint: Endpoint;
  readonly context: ApiContext;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly requestId: string;
  readonly headers: Headers;
  /** Id of the route, once it is known which of several actions it is; for the log and the metrics. */
  operation: string;
  /** It took too long and was answered: what it comes to is for the log. */
  givenUp: boolean;
}

/** Answers one request; never rejects, whatever happens becomes a fault. */
export async function dispatch(
  endpoint: Endpoint,
  context: ApiContext,
  metrics: RequestMetrics,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const startedAt = context.clock.monotonicMs();
  const requestId = newRequestId();
  const headers: Headers = { 'x-openstack-request-id': requestId };
  const operation = endpoint.routes[0]?.id ?? '';
  const exchange: Exchange = { endpoint, context, request, reply, requestId, headers, operation, givenUp: false };
  const { answerWithinMs } = context.config;
  const answering = answerWithinMs === undefined ? authenticated(exchange) : answeredInTime(exchange, answerWithinMs);
  const status = await answering.catch((error: unknown) => failed(exchange, error));
  const durationMs = context.clock.monotonicMs() - startedAt;
  metrics.observe(exchange.operation, status, durationMs);
  if (request.method !== 'GET') log(exchange, status, durationMs);
}

/**
 * A store that hangs must not keep the client: it is told to try again, and what was begun comes to its own end. A command
 * may have been done then, which sending it again under its Idempotency-Key, or a later read, tells.
 */
async function answeredInTime(exchange: Exchange, withinMs: number): Promise<number> {
  const { context, requestId } = exchange;
  const answering = authenticated(exchange);
  answering.catch((error: unknown) => {
    // which action it is, the body says, and not before it is read
    const { operation } = exchange;
    if (exchange.givenUp) context.logger.warn({ err: error, requestId, operation }, 'request failed after its answer');
  });
  const answer = await inTime(context.clock, answering, withinMs);
  if (answer === 'late') {
    exchange.givenUp = true;
    throw new StoreUnavailable(`no answer within ${withinMs} ms`, 'unknown');
  }
  if (answer instanceof Error) throw answer;
  return answer;
}

async function authenticated(exchange: Exchange): Promise<number> {
  const { context, request, reply, requestId, headers } = exchange;
  const pending = context.auth.authenticate(tokenOf(request));
  const authentication = 'kind' in pending ? pending : await pending;
  if (authentication.kind === 'refused') return sendUnauthenticated(reply, headers, authentication);
  headers['x-compute-request-id'] = requestId;
  return answered(exchange, authentication.caller);
}

/** The order of contract/errors.md §3: microversion, body, action, project, version gate, validation, target, policy. */
async function answered(exchange: Exchange, caller: Caller): Promise<number> {
  const { context: deps, request, requestId, headers } = exchange;
  const microversion = microversionOf(request, headers);
  const rawBody = request.method === 'GET' ? '' : bodyText(request);
  const body = parseJson(rawBody);
  const route = chooseRoute(exchange.endpoint, body);
  exchange.operation = route.id;
  const params = request.params as Readonly<Record<string, string>>;
  const { project_id: projectInPath } = params;
  if (projectInPath !== undefined && projectInPath !== caller.projectId) throw badRequest('Malformed request url');
  if (microversion < (route.since ?? 0) || microversion > (route.until ?? Number.MAX_SAFE_INTEGER)) throw notFound();
  const query = lastValues(request.query as Record<string, string | string[]>);
  const call: Call = { deps, route, request, requestId, caller, microversion, params, query, rawBody, headers };
  const checkedQuery = route.query === undefined ? undefined : checked(route.query, microversion, query);
  const checkedBody = route.body === undefined ? undefined : checked(route.body, microversion, body ?? {});
  const again = request.headers['idempotency-key'] === undefined ? null : await againOf(call);
  const target = again !== null || route.target === undefined ? undefined : await route.target(call, checkedBody);
  checkPolicy(call, target);
  const pending = again === null ? route.handler(call, { body: checkedBody, query: checkedQuery, target }) : again();
  const content = pending instanceof Promise ? await pending : pending;
  if (exchange.givenUp) return route.status;
  sendJson(exchange.reply, route.status, headers, jsonOf(content));
  return route.status;
}

function failed({ context, reply, requestId, headers, operation }: Exchange, error: unknown): number {
  const fault = answerOf(error);
  sendFault(reply, headers, fault);
  if (fault.unexpected) context.logger.error({ err: error, requestId, operation }, 'request failed');
  return fault.status;
}

/** One line for every write; what the client calls its request goes along, it does not replace our id. */
function log({ context, request, requestId, operation }: Exchange, status: number, durationMs: number): void {
  const globalRequestId = request.headers['x-openstack-request-id'];
  const { url, ip: origin } = request;
  context.logger.info({ requestId, globalRequestId, operation, status, durationMs, url, origin }, 'request');
}

/** The negotiated microversion; puts what was used, or refused, into the headers. Throws 400 and 406. */
function microversionOf(request: FastifyRequest, headers: Headers): Microversion {
  const negotiated = negotiate(request.headers['openstack-api-version']);
  if (negotiated.kind === 'accepted') {
    setVersionHeaders(headers, microversionHeader(negotiated.microversion));
    return negotiated.microversion;
  }
  if (negotiated.kind === 'unsupported' && negotiated.echo !== null) setVersionHeaders(headers, negotiated.echo);
  throw microversionFault(negotiated);
}

/** What a schema makes of an input; throws the 400 that names the field. */
function checked<T>(versions: SchemaVersions<T>, microversion: Microversion, input: unknown): T | undefined {
  if (versions[0]?.onlyDescribes === true) return input as T;
  const result = schemaAt(versions, microversion)?.safeParse(input);
  if (result?.success === false) throw invalid(result.error, input);
  return result?.data;
}

function checkPolicy(call: Call, target: unknown): void {
  const { policy } = call.route;
  if (policy === null) return;
  const projectId = projectOf(target) ?? call.caller.projectId;
  if (typeof policy === 'string') authorize(call, policy, projectId);
  else for (const rule of policy) authorize(call, rule, projectId);
}

/** The project that owns what a route's target loader found. */
function projectOf(target: unknown): string | undefined {
  if (typeof target !== 'object' || target === null || !('projectId' in target)) return undefined;
  return typeof target.projectId === 'string' ? target.projectId : undefined;
}

function chooseRoute({ routes, actions }: Endpoint, body: unknown): AnyRoute {
  const key = actions === null ? null : actionKeyOf(body);
  const route = key === null ? routes[0] : actions?.get(key);
  if (route === undefined) throw noSuchAction(String(key));
  return route;
}

/** Of a key that is sent more than once, the last value. */
function lastValues(query: Record<string, string | string[]>): Readonly<Record<string, string>> {
  for (const key in query) {
    const value = query[key];
    if (Array.isArray(value)) query[key] = value.at(-1) ?? '';
  }
  return query as Record<string, string>;
}
