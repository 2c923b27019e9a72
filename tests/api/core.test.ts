import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { createApp } from '../../src/api/app.ts';
import { createNoAuthAuthenticator } from '../../src/api/auth.ts';
import { settled } from '../../src/api/call.ts';
import type { ApiDependencies } from '../../src/api/dependencies.ts';
import { createPolicy } from '../../src/api/policy.ts';
import { type AnyRoute, firstSegmentsOf, route } from '../../src/api/route.ts';
import { always, andFrom } from '../../src/api/schema-versions.ts';
import { UnreadableEvent } from '../../src/domain/kernel/event.ts';
import { type RejectionCode, reject } from '../../src/domain/kernel/rejection.ts';
import { StoreUnavailable } from '../../src/ports/event-store.ts';
import { ADMIN, type Client, listen, MEMBER, READER } from './http-client.ts';

/** A resource of its own, so that these tests speak of the core alone. */
const things = { red: { projectId: 'demo' }, blue: { projectId: 'other' } } as const;

const throwing: Readonly<Record<string, () => unknown>> = {
  bug: () => new Error('select * from secrets'),
  down: () => new StoreUnavailable('no quorum', 'not-done', 2_500),
  newer: () => new UnreadableEvent('VolumeFlown', 9, 'unknown type'),
};

const refusing = (code: RejectionCode, details: Record<string, unknown>): AnyRoute =>
  route({
    id: `refuse-${code}`,
    method: 'POST',
    path: `/refusals/${code}`,
    summary: 'Refuses',
    status: 202,
    policy: null,
    handler: (call) => settled(call, { kind: 'rejected', rejection: reject(code, details) }),
  });

const routes: readonly AnyRoute[] = [
  route({
    id: 'things-list',
    method: 'GET',
    path: '/things',
    summary: 'List',
    status: 200,
    policy: 'volume:get_all',
    handler: ({ microversion, params }) => ({ microversion, project: params.project_id ?? null }),
  }),
  route({
    id: 'things-create',
    method: 'POST',
    path: '/things',
    summary: 'Create',
    status: 202,
    policy: 'volume:create',
    body: andFrom(
      always(() => z.object({ thing: z.object({ size: z.int().min(1) }) })),
      53,
      () => z.strictObject({ thing: z.strictObject({ size: z.int().min(1) }) }),
    ),
    handler: (_call, { body }) => body,
  }),
  route({
    id: 'things-show',
    method: 'GET',
    path: '/things/{thing_id}',
    summary: 'Show',
    status: 200,
    policy: 'volume:get',
    handler: ({ params }) => ({ id: params.thing_id }),
  }),
  route({
    id: 'things-late',
    method: 'GET',
    path: '/things/late',
    since: 12,
    until: 40,
    summary: 'Late',
    status: 200,
    policy: null,
    handler: () => ({}),
  }),
  ...(['grow', 'shrink'] as const).map((action) =>
    route({
      id: `things-${action}`,
      method: 'POST',
      path: '/things/{thing_id}/action',
      action,
      ...(action === 'shrink' ? { since: 20 } : {}),
      summary: action,
      status: 202,
      policy: action === 'shrink' ? 'volume:force_delete' : 'volume:extend',
      body: always(() => z.strictObject({ [action]: z.strictObject({ by: z.int() }).nullable() })),
      target: async ({ params, caller }) => {
        const thing = things[params.thing_id as keyof typeof things];
        if (thing === undefined || (!caller.isAdmin && thing.projectId !== caller.projectId)) {
          const { notFound } = await import('../../src/api/faults.ts');
          throw notFound(`Thing ${params.thing_id} could not be found.`);
        }
        return thing;
      },
      handler: () => undefined,
    }),
  ),
  route({
    id: 'throw',
    method: 'GET',
    path: '/throws/{what}',
    summary: 'Throws',
    status: 200,
    policy: null,
    handler: ({ params }) => {
      throw throwing[params.what ?? '']?.();
    },
  }),
  refusing('InvalidVolume', { reason: 'it is busy' }),
  refusing('VolumeNotFound', { id: 'v1' }),
  refusing('Conflict', { reason: 'not now' }),
  refusing('VolumeLimitExceeded', { limit: 10, resource: 'volumes' }),
  refusing('TryAgain', { reason: 'busy' }),
];

let client: Client;
let close: () => Promise<unknown>;
const logged: string[] = [];

beforeAll(async () => {
  const deps = {
    commands: {},
    queries: {},
    waitFor: async () => {},
    auth: createNoAuthAuthenticator(firstSegmentsOf(routes)),
    policy: createPolicy(),
    config: { maxLimit: 1_000, publicEndpoint: null },
    clock: systemClock,
    logger: pino({ level: 'error' }, { write: (line) => logged.push(line) }),
    readiness: () => ({ ready: false, missing: ['read models'] }),
  } as unknown as ApiDependencies;
  const app = createApp(deps, routes);
  close = () => app.close();
  client = await listen(app);
});

afterAll(() => close());

describe('microversion negotiation', () => {
  it.each([
    [null, 200, 'volume 3.0', 0],
    ['volume 3.27', 200, 'volume 3.27', 27],
    ['volume latest', 200, 'volume 3.71', 71],
    ['compute 2.5, volume 3.4', 200, 'volume 3.4', 4],
  ])('header %s is served with status %d as %s', async (microversion, status, echoed, used) => {
    const answer = await client.get('/v3/demo/things', { microversion });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('OpenStack-API-Version')).toBe(echoed);
    expect(answer.headers.get('Vary')).toBe('OpenStack-API-Version');
    expect(answer.json.microversion).toBe(used);
  });

  it.each([
    ['volume 3.72', 406, 'volume 3.72', 'computeFault', '3.72'],
    ['volume 4.0', 406, 'volume 4.0', 'computeFault', '4.0'],
    ['volume 2.0', 406, null, 'computeFault', '2.0'],
    ['volume 3', 400, null, 'badRequest', '3'],
    ['volume 3.01', 400, null, 'badRequest', '3.01'],
    ['volume 3.10x y z', 400, null, 'badRequest', '3.10x y z'],
    ['compute 2.5', 400, null, 'badRequest', 'malformed'],
  ])('header %s is refused with %d', async (microversion, status, echoed, key, named) => {
    const answer = await client.get('/v3/demo/things', { microversion });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('OpenStack-API-Version')).toBe(echoed);
    expect(answer.headers.get('Vary')).toBe(echoed === null ? null : 'OpenStack-API-Version');
    expect(answer.json[key]).toMatchObject({ code: status });
    expect(answer.json[key].message).toContain(named);
  });

  it.each([
    [11, 404],
    [12, 200],
    [40, 200],
    [41, 404],
  ])('a route from 3.12 to 3.40 answers at 3.%d with %d', async (microversion, status) => {
    const answer = await client.get('/v3/things/late', { microversion });
    expect(answer.status).toBe(status);
    if (status === 404)
      expect(answer.json).toEqual({ itemNotFound: { code: 404, message: 'The resource could not be found.' } });
  });
});

describe('version documents', () => {
  it.each([
    ['/', 300],
    ['/v3', 200],
    ['/v3/', 200],
  ])('GET %s answers %d with the versions and asks for no token', async (path, status) => {
    const answer = await client.get(path, { token: null, microversion: null });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.json.versions).toEqual([
      {
        id: 'v3.0',
        status: 'CURRENT',
        version: '3.71',
        min_version: '3.0',
        updated: '2023-08-31T00:00:00Z',
        links: [
          { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
          { rel: 'self', href: `${client.url}/v3/` },
        ],
        'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
      },
    ]);
  });

  it('answers 300 at / whatever microversion is asked for', async () => {
    expect((await client.get('/', { token: null, microversion: 'volume 3.99' })).status).toBe(300);
    expect(
      (await client.get('/', { token: null, microversion: 'volume 3.9' })).headers.get('OpenStack-API-Version'),
    ).toBe('volume 3.9');
  });

  it('refuses a microversion out of range at /v3/', async () => {
    expect((await client.get('/v3/', { token: null, microversion: 'volume 3.72' })).status).toBe(406);
  });

  it('answers every method at /v3/', async () => {
    expect((await client.delete('/v3/', { token: null })).status).toBe(200);
  });
});

describe('identity', () => {
  it('answers 401 without a token, and speaks of no microversion', async () => {
    const answer = await client.get('/v3/demo/things', { token: null });
    expect(answer.status).toBe(401);
    expect(answer.json.error).toMatchObject({ code: 401, title: 'Unauthorized' });
    expect(answer.headers.get('WWW-Authenticate')).toContain('Keystone');
    expect(answer.headers.get('OpenStack-API-Version')).toBeNull();
    expect(answer.headers.get('x-openstack-request-id')).toMatch(/^req-[0-9a-f-]{36}$/);
    expect(answer.headers.get('x-compute-request-id')).toBeNull();
  });

  it.each(['ann:de mo', 'ann:things', `ann:${'x'.repeat(65)}`, ':demo', 'a:b:c:d'])(
    'refuses the token %s',
    async (token) => {
      expect((await client.get('/v3/things', { token })).status).toBe(401);
    },
  );

  it('names the request in both headers of an answer', async () => {
    const answer = await client.get('/v3/demo/things');
    expect(answer.headers.get('x-openstack-request-id')).toMatch(/^req-[0-9a-f-]{36}$/);
    expect(answer.headers.get('x-compute-request-id')).toBe(answer.headers.get('x-openstack-request-id'));
  });

  it('asks for a token before it says that a path is unknown', async () => {
    expect((await client.get('/v3/nosuch', { token: null })).status).toBe(401);
  });
});

describe('paths', () => {
  it('serves a path with and without the project', async () => {
    expect((await client.get('/v3/demo/things')).json.project).toBe('demo');
    expect((await client.get('/v3/things')).json.project).toBeNull();
  });

  it('refuses another project in the path, to administrators too', async () => {
    const answer = await client.get('/v3/other/things');
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({ badRequest: { code: 400, message: 'Malformed request url' } });
  });

  it.each([
    ['GET', '/nosuch'],
    ['GET', '/v3/demo/nosuch'],
    ['GET', '/v3/demo/things/'],
    ['PATCH', '/v3/demo/things'],
    ['PUT', '/v3/demo/things'],
  ])('%s %s is a 404 as text', async (method, path) => {
    const answer = await client.ask(method, path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(answer.headers.get('OpenStack-API-Version')).toBeNull();
    expect(answer.headers.get('x-openstack-request-id')).toMatch(/^req-/);
  });

  it('answers HEAD with 404 as HTML', async () => {
    const answer = await client.ask('HEAD', '/v3/demo/things');
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
  });

  it('answers the edit page of a member with a 404 as JSON', async () => {
    expect((await client.get('/v3/demo/things/red/edit')).json.itemNotFound.code).toBe(404);
  });

  it('takes several slashes as one', async () => {
    expect((await client.get('/v3//demo///things')).status).toBe(200);
  });

  it('takes .json behind a collection, and as part of a name elsewhere', async () => {
    expect((await client.get('/v3/demo/things.json?limit=1')).json.project).toBe('demo');
    expect((await client.get('/v3/demo/things/a.json')).json.id).toBe('a.json');
  });

  it('answers 400 to a path that is no valid escape', async () => {
    expect((await client.get('/v3/demo/things/%zz')).status).toBe(400);
  });
});

describe('bodies', () => {
  const create = '/v3/demo/things';

  it('refuses a Content-Type that is not JSON with 415', async () => {
    const answer = await client.post(create, 'size=1', { headers: { 'Content-Type': 'text/csv' } });
    expect(answer.status).toBe(415);
    expect(answer.json).toEqual({ badMediaType: { code: 415, message: 'Unsupported Content-Type' } });
  });

  it.each(['application/json; charset=utf-8', 'application/vnd.openstack.volume+json'])('accepts %s', async (type) => {
    const answer = await client.post(create, { thing: { size: 1 } }, { headers: { 'Content-Type': type } });
    expect(answer.status).toBe(202);
  });

  it('ignores a body without Content-Type, so that what is required is missing', async () => {
    const response = await fetch(`${client.url}${create}`, {
      method: 'POST',
      headers: { 'X-Auth-Token': ADMIN },
      body: new Blob(['{"thing": {"size": 1}}']),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ badRequest: { code: 400, message: "'thing' is a required property" } });
  });

  it('refuses what is no JSON', async () => {
    const answer = await client.post(create, '{"thing": ');
    expect(answer.json).toEqual({ badRequest: { code: 400, message: 'Malformed request body' } });
  });

  it('refuses a body over 114688 bytes with 413 as text, before it asks who sends it', async () => {
    const answer = await client.post(create, `{"thing": "${'x'.repeat(114_688)}"}`, { token: null });
    expect(answer.status).toBe(413);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(answer.headers.get('OpenStack-API-Version')).toBeNull();
  });

  it.each([
    [{}, 0, "'thing' is a required property"],
    [[], 0, "[] is not of type 'object'"],
    [{ thing: [] }, 0, "Invalid input for field/attribute thing. Value: []. [] is not of type 'object'"],
    [{ thing: {} }, 0, "Invalid input for field/attribute thing. Value: {}. 'size' is a required property"],
    [{ thing: { size: 0 } }, 0, 'Invalid input for field/attribute size. Value: 0. 0 is less than the minimum of 1'],
    [{ thing: { size: 'big' } }, 0, "Invalid input for field/attribute size. Value: big. 'big' is not of type"],
    [{ thing: { size: 1, colour: 'red' } }, 53, "Additional properties are not allowed ('colour' was unexpected)"],
    [{ thing: { size: 1 }, more: 1 }, 53, "Additional properties are not allowed ('more' was unexpected)"],
  ])('refuses %j at 3.%d naming the field', async (body, microversion, message) => {
    const answer = await client.post(create, body, { microversion });
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(message);
  });

  it('accepts below 3.53 what it refuses from there on', async () => {
    const body = { thing: { size: 1, colour: 'red' } };
    expect((await client.post(create, body, { microversion: 52 })).status).toBe(202);
    expect((await client.post(create, body, { microversion: 53 })).status).toBe(400);
  });

  it('validates before it looks at rights', async () => {
    expect((await client.post(create, {}, { token: READER })).status).toBe(400);
    expect((await client.post(create, { thing: { size: 1 } }, { token: READER })).status).toBe(403);
  });
});

describe('actions', () => {
  const action = '/v3/demo/things/red/action';

  it('chooses by the one key of the body', async () => {
    const answer = await client.post(action, { grow: { by: 1 } }, { token: MEMBER });
    expect(answer.status).toBe(202);
    expect(answer.text).toBe('');
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  it.each([
    [{ fly: null }, 'There is no such action: fly.'],
    [{ grow: null, shrink: null }, 'Malformed request body'],
    [[], 'Malformed request body'],
    [{}, 'Malformed request body'],
  ])('refuses %j', async (body, message) => {
    const answer = await client.post(action, body);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(message);
  });

  it('says that an empty body is no action', async () => {
    const answer = await client.ask('POST', action);
    expect(answer.json.badRequest.message).toContain('There is no such action: None.');
  });

  it('does not know an action below its microversion', async () => {
    expect((await client.post(action, { shrink: null }, { microversion: 19 })).status).toBe(404);
    expect((await client.post(action, { shrink: null }, { microversion: 20 })).status).toBe(202);
  });

  it('refuses who has not the role for it, by the name of the rule', async () => {
    const answer = await client.post(action, { shrink: null }, { token: MEMBER });
    expect(answer.status).toBe(403);
    expect(answer.json).toEqual({
      forbidden: { code: 403, message: "Policy doesn't allow volume:force_delete to be performed." },
    });
  });

  it("does not find another project's thing, but an administrator does", async () => {
    expect((await client.post('/v3/demo/things/blue/action', { grow: null }, { token: MEMBER })).status).toBe(404);
    expect((await client.post('/v3/demo/things/blue/action', { grow: null }, { token: ADMIN })).status).toBe(202);
  });
});

describe('faults', () => {
  it.each([
    ['InvalidVolume', 400, 'badRequest', 'Invalid volume: it is busy'],
    ['VolumeNotFound', 404, 'itemNotFound', 'Volume v1 could not be found.'],
    ['Conflict', 409, 'conflictingRequest', 'not now'],
    ['TryAgain', 503, 'serviceUnavailable', 'busy'],
  ])('the refusal %s is %d %s', async (code, status, key, message) => {
    const answer = await client.post(`/v3/refusals/${code}`, undefined);
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({ [key]: { code: status, message } });
    expect(answer.headers.get('OpenStack-API-Version')).toBe('volume 3.71');
  });

  it('over quota is 413 with a retry time of nought', async () => {
    const answer = await client.post('/v3/refusals/VolumeLimitExceeded', undefined);
    expect(answer.status).toBe(413);
    expect(answer.json.overLimit).toMatchObject({ code: 413, retryAfter: '0' });
    expect(answer.json.overLimit.message).toMatch(/^VolumeLimitExceeded: /);
    expect(answer.headers.get('Retry-After')).toBe('0');
  });

  it('says nothing of what went wrong inside, and logs it', async () => {
    const answer = await client.get('/v3/throws/bug');
    expect(answer.status).toBe(500);
    expect(answer.json.computeFault.code).toBe(500);
    expect(answer.text).not.toContain('secrets');
    expect(logged.join('')).toContain('select * from secrets');
    expect(logged.join('')).toContain(answer.headers.get('x-openstack-request-id'));
  });

  it('a store that is down is 503 with the time to wait', async () => {
    const answer = await client.get('/v3/throws/down');
    expect(answer.status).toBe(503);
    expect(answer.json.serviceUnavailable.code).toBe(503);
    expect(answer.headers.get('Retry-After')).toBe('3');
    expect(answer.text).not.toContain('quorum');
  });

  it('an event from a newer build is 503', async () => {
    expect((await client.get('/v3/throws/newer')).status).toBe(503);
  });
});

describe('what operators ask for', () => {
  it.each(['/healthz', '/healthcheck'])('%s answers OK without a token', async (path) => {
    const answer = await client.get(path, { token: null });
    expect([answer.status, answer.text]).toEqual([200, 'OK']);
  });

  it('/readyz says what is missing', async () => {
    const answer = await client.get('/readyz', { token: null });
    expect([answer.status, answer.json]).toEqual([503, { ready: false, missing: ['read models'] }]);
  });

  it('/metrics counts requests by operation and status', async () => {
    await client.get('/v3/demo/things');
    const { text } = await client.get('/metrics', { token: null });
    expect(text).toMatch(/scoria_http_requests_total\{operation="things-list",status="200"\} [1-9]/);
    expect(text).toMatch(/scoria_http_request_duration_seconds_bucket\{operation="things-list",le="\+Inf"\} [1-9]/);
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('/openapi.json describes routes, actions as one of several', async () => {
    const { json } = await client.get('/openapi.json', { token: null });
    expect(json.paths['/v3/{project_id}/things'].post.operationId).toBe('things-create');
    const schema =
      json.paths['/v3/{project_id}/things/{thing_id}/action'].post.requestBody.content['application/json'].schema;
    expect(schema.oneOf.map(({ title }: { title: string }) => title)).toEqual(['things-grow', 'things-shrink']);
  });

  it('/docs is a page', async () => {
    const answer = await client.get('/docs', { token: null });
    const page =
      answer.status === 200 ? answer : await client.get(answer.headers.get('location') ?? '', { token: null });
    expect(page.status).toBe(200);
    expect(page.text).toContain('swagger');
  });
});
