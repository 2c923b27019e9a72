import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startThingServer, type ThingServer } from './things.ts';

let client: ThingServer;

beforeAll(async () => {
  client = await startThingServer();
});
afterAll(() => client.close());

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
