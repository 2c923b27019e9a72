import type { FastifyReply, FastifyRequest } from 'fastify';
import { actionKeyOf, bodyText, noSuchAction, parseJson } from './body.ts';
import { authorize, type Call } from './call.ts';
import type { ApiContext } from './dependencies.ts';
import { answerOf, badRequest, notFound } from './faults.ts';
import { microversionFault, microversionHeader, negotiate } from './microversion.ts';
import { JSON_TYPE, newRequestId, sendFault, sendUnauthenticated, setVersionHeaders, tokenOf } from './reply.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { AnyRoute } from './route.ts';
import { schemaAt } from './schema-versions.ts';

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

/** Answers one request; never rejects, whatever happens becomes a fault. */
export async function dispatch(
  endpoint: Endpoint,
  deps: ApiContext,
  metrics: RequestMetrics,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const startedAt = deps.clock.monotonicMs();
  const requestId = newRequestId();
  reply.header('x-openstack-request-id', requestId);
  let operation = endpoint.routes[0]?.id ?? '';
  let input: unknown;
  let status: number;
  try {
    const pending = deps.auth.authenticate(tokenOf(request));
    const authentication = 'kind' in pending ? pending : await pending;
    if (authentication.kind === 'refused') {
      status = sendUnauthenticated(reply, authentication);
    } else {
      reply.header('x-compute-request-id', requestId);
      const negotiated = negotiate(request.headers['openstack-api-version']);
      if (negotiated.kind === 'accepted') setVersionHeaders(reply, microversionHeader(negotiated.microversion));
      else {
        if (negotiated.kind === 'unsupported' && negotiated.echo !== null) setVersionHeaders(reply, negotiated.echo);
        throw microversionFault(negotiated);
      }
      const rawBody = request.method === 'GET' ? '' : bodyText(request);
      const body = parseJson(rawBody);
      input = body;
      const route = chooseRoute(endpoint, body);
      operation = route.id;
      const call: Call = {
        deps,
        route,
        request,
        requestId,
        caller: authentication.caller,
        microversion: negotiated.microversion,
        params: request.params as Record<string, string>,
        query: lastValues(request.query as Record<string, string | string[]>),
        rawBody,
        headers: null,
      };
      status = await serve(call, body, reply, (queried) => {
        input = queried;
      });
    }
  } catch (error) {
    const answer = answerOf(error, input);
    status = answer.status;
    sendFault(reply, answer);
    if (answer.unexpected) deps.logger.error({ err: error, requestId, operation }, 'request failed');
  }
  const durationMs = deps.clock.monotonicMs() - startedAt;
  metrics.observe(operation, status, durationMs);
  if (request.method !== 'GET') {
    deps.logger.info({ requestId, operation, status, durationMs, url: request.url, origin: request.ip }, 'request');
  }
}

async function serve(
  call: Call,
  body: unknown,
  reply: FastifyReply,
  onInput: (input: unknown) => void,
): Promise<number> {
  const { route, microversion, caller } = call;
  const projectInPath = call.params.project_id;
  if (projectInPath !== undefined && projectInPath !== caller.projectId) throw badRequest('Malformed request url');
  if (microversion < (route.since ?? 0) || microversion > (route.until ?? Number.MAX_SAFE_INTEGER)) throw notFound();
  let query: unknown;
  if (route.query !== undefined) {
    onInput(call.query);
    query = schemaAt(route.query, microversion)?.parse(call.query);
  }
  let checkedBody: unknown;
  if (route.body !== undefined) {
    onInput(body);
    checkedBody = schemaAt(route.body, microversion)?.parse(body ?? {});
  }
  const target = route.target === undefined ? undefined : await route.target(call, checkedBody);
  checkPolicy(call, target);
  const pending = route.handler(call, { body: checkedBody, query, target });
  const answer = pending instanceof Promise ? await pending : pending;
  if (call.headers !== null) reply.headers(call.headers);
  reply.code(route.status).header('content-type', JSON_TYPE);
  reply.send(answer === undefined ? '' : JSON.stringify(answer));
  return route.status;
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
