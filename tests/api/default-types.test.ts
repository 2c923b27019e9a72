import { afterAll, beforeAll, expect, it } from 'vitest';
import { MEMBER } from './http-client.ts';
import { fieldsOf, sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
let fast: { readonly id: string; readonly name: string };

beforeAll(async () => {
  server = await startTestServer();
  fast = (await server.post('/v3/types', { volume_type: { name: 'fast' } })).json.volume_type;
});
afterAll(() => server.close());

const set = (project: string, type: unknown, options: object = {}) =>
  server.put(`/v3/default-types/${project}`, { default_type: { volume_type: type } }, options);

it('a project’s default type is set by name or id, shown, listed and unset', async () => {
  const answer = await set('p1', 'fast');
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual({ default_type: { project_id: 'p1', volume_type_id: fast.id } });
  expect(fieldsOf(answer.json.default_type)).toEqual(fieldsOf(sample('set-default-type-response.json').default_type));
  await set('p2', fast.id);
  expect((await server.get('/v3/demo/default-types/p2')).json.default_type.volume_type_id).toBe(fast.id);
  const listed = await server.get('/v3/demo/default-types');
  expect(listed.json.default_types.map((one: { project_id: string }) => one.project_id).sort()).toEqual(['p1', 'p2']);
  const unset = await server.delete('/v3/demo/default-types/p1');
  expect([unset.status, unset.text]).toEqual([204, '']);
  const gone = await server.get('/v3/demo/default-types/p1');
  expect([gone.status, gone.json.itemNotFound.message]).toEqual([404, 'Default type for project p1 not found.']);
  expect((await server.delete('/v3/demo/default-types/p1')).status).toBe(204);
});

it('a volume that names no type gets it', async () => {
  await set('demo', 'fast');
  const { json } = await server.post('/v3/demo/volumes', { volume: { size: 1 } });
  expect(json.volume.volume_type).toBe('fast');
  await server.delete('/v3/demo/default-types/demo');
});

it.each([
  ['no such type', { default_type: { volume_type: 'nosuch' } }, 'nosuch'],
  ['a blank name', { default_type: { volume_type: ' ' } }, 'volume_type'],
  ['no type', { default_type: {} }, 'volume_type'],
  ['no body', {}, 'default_type'],
  ['an unknown key', { default_type: { volume_type: 'fast', colour: 'red' } }, 'colour'],
])('a default type is refused with 400 for %s', async (_what, body, reason) => {
  const answer = await server.put('/v3/default-types/p1', body);
  expect(answer.status).toBe(400);
  expect(answer.json.badRequest.message).toContain(reason);
});

it('default types are there from 3.62 on, for administrators, without a trailing slash', async () => {
  for (const [method, path] of [
    ['GET', '/v3/default-types'],
    ['GET', '/v3/default-types/p1'],
    ['DELETE', '/v3/default-types/p1'],
  ] as const) {
    expect((await server.ask(method, path, { microversion: 61 })).json.itemNotFound).toBeDefined();
    expect((await server.ask(method, path, { token: MEMBER })).status).toBe(403);
  }
  expect((await set('p1', 'fast', { microversion: 61 })).status).toBe(404);
  expect((await set('p1', 'fast', { token: MEMBER })).status).toBe(403);
  const slash = await server.get('/v3/default-types/');
  expect([slash.status, slash.json]).toEqual([404, undefined]);
});
