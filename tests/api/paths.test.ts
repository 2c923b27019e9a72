import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startThingServer, type ThingServer } from './things.ts';

let client: ThingServer;

beforeAll(async () => {
  client = await startThingServer();
});
afterAll(() => client.close());

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
    expect((await client.get('/v3/things.json')).status).toBe(200);
    expect((await client.get('/v3/demo/things/a.json')).json.id).toBe('a.json');
    expect((await client.get('/v3/demo/things/things.json')).json.id).toBe('things.json');
  });

  it('answers 400 to a path that is no valid escape', async () => {
    expect((await client.get('/v3/demo/things/%zz')).status).toBe(400);
  });
});
