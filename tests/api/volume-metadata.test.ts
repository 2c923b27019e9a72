import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MEMBER, READER } from './http-client.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
let path: string;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const volume = async (metadata: object = { a: '1', b: '2' }): Promise<string> =>
  `/v3/demo/volumes/${await server.availableVolume({ metadata })}/metadata`;

describe("a volume's metadata", () => {
  it('is shown whole and by key', async () => {
    path = await volume();
    expect((await server.get(path)).json).toEqual({ metadata: { a: '1', b: '2' } });
    expect((await server.get(`${path}/a`)).json).toEqual({ meta: { a: '1' } });
  });

  it('merges by POST and answers the whole', async () => {
    path = await volume();
    const answer = await server.post(path, { metadata: { b: '3', c: '4' } });
    expect([answer.status, answer.json]).toEqual([200, { metadata: { a: '1', b: '3', c: '4' } }]);
  });

  it('is replaced by PUT', async () => {
    path = await volume();
    const answer = await server.put(path, { metadata: { z: '9' } });
    expect([answer.status, answer.json]).toEqual([200, { metadata: { z: '9' } }]);
    expect((await server.get(path)).json).toEqual({ metadata: { z: '9' } });
  });

  it('is set and removed by key, also one with a dot', async () => {
    path = await volume({});
    expect((await server.put(`${path}/x.json`, { meta: { 'x.json': 'v' } })).json).toEqual({ meta: { 'x.json': 'v' } });
    const removed = await server.delete(`${path}/x.json`);
    expect([removed.status, removed.text]).toEqual([200, '']);
    expect((await server.get(path)).json).toEqual({ metadata: {} });
  });

  it.each(['get', 'delete'] as const)('%s of a key that is not there is 404 naming it', async (method) => {
    path = await volume({});
    const answer = await server[method](`${path}/none`);
    expect(answer.status).toBe(404);
    expect(answer.json.itemNotFound.message).toContain('has no metadata with key none.');
  });

  it.each([
    [{}, "'metadata' is a required property"],
    [{ metadata: null }, 'metadata'],
    [{ metadata: { k: null } }, 'k'],
    [{ metadata: { '': 'v' } }, 'metadata'],
    [{ metadata: { ['k'.repeat(256)]: 'v' } }, 'kkk'],
    [{ metadata: {}, more: 1 }, 'more'],
  ])('refuses %j', async (body, named) => {
    path = await volume();
    const answer = await server.post(path, body);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(named);
  });

  it.each([[{ meta: { other: 'v' } }], [{ meta: {} }], [{ meta: { a: 'v', b: 'w' } }]])(
    'refuses %j for the key a',
    async (body) => {
      path = await volume();
      expect((await server.put(`${path}/a`, body)).status).toBe(400);
    },
  );

  it('is readable to readers and writable to members', async () => {
    path = await volume();
    expect((await server.get(path, { token: READER })).status).toBe(200);
    expect((await server.post(path, { metadata: {} }, { token: READER })).status).toBe(403);
    expect((await server.post(path, { metadata: {} }, { token: MEMBER })).status).toBe(200);
  });
});

describe('the etag of metadata', () => {
  it('is the md5 of the body from 3.15 on', async () => {
    path = await volume();
    const answer = await server.get(path, { microversion: 15 });
    expect(answer.headers.get('Etag')).toBe(createHash('md5').update(answer.text).digest('hex'));
    expect((await server.get(path, { microversion: 14 })).headers.get('Etag')).toBeNull();
  });

  it('guards PUT of all and of one key', async () => {
    path = await volume();
    const etag = (await server.get(path)).headers.get('Etag') ?? '';
    const stale = { headers: { 'If-Match': 'd41d8cd98f00b204e9800998ecf8427e' } };
    const refused = await server.put(path, { metadata: { n: '1' } }, stale);
    expect([refused.status, refused.text]).toEqual([412, '']);
    expect((await server.put(`${path}/a`, { meta: { a: '2' } }, stale)).status).toBe(412);
    const fresh = { headers: { 'If-Match': `other, "${etag}"` } };
    expect((await server.put(`${path}/a`, { meta: { a: '2' } }, fresh)).status).toBe(200);
    expect((await server.put(path, { metadata: { n: '1' } }, fresh)).status).toBe(412);
    expect((await server.put(path, { metadata: { n: '1' } }, { headers: { 'If-Match': '*' } })).status).toBe(200);
  });

  it('lets one of many through that have seen the same', async () => {
    path = await volume();
    const etag = (await server.get(path)).headers.get('Etag') ?? '';
    const options = { headers: { 'If-Match': etag } };
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => server.put(`${path}/winner`, { meta: { winner: `${n}` } }, options)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(412)]);
  });

  it('is not looked at below 3.15', async () => {
    path = await volume();
    const options = { microversion: 14, headers: { 'If-Match': 'nonsense' } };
    expect((await server.put(path, { metadata: {} }, options)).status).toBe(200);
  });
});
