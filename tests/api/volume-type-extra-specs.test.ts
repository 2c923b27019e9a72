import { afterAll, beforeAll, expect, it } from 'vitest';
import { MEMBER } from './http-client.ts';
import { sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

let made = 0;
const newType = async (fields: object = {}) => {
  made += 1;
  const answer = await server.post('/v3/demo/types', { volume_type: { name: `type-${made}`, ...fields } });
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json.volume_type;
};

const at = (id: string, key = '') => `/v3/demo/types/${id}/extra_specs${key === '' ? '' : `/${key}`}`;

it('extra specs are merged, listed, shown, set and deleted one by one', async () => {
  const { id } = await newType({ extra_specs: { capabilities: 'gpu' } });
  expect((await server.get(at(id))).json).toEqual(sample('volume_type/volume-type-all-extra-specs-show-response.json'));
  const body = sample('volume_type/volume-type-extra-specs-create-update-response.json');
  const created = await server.post(at(id), body);
  expect([created.status, created.json]).toEqual([200, body]);
  expect((await server.get(at(id))).json.extra_specs).toEqual({
    capabilities: 'gpu',
    key1: 'value1',
    key2: 'value2',
  });
  const updated = await server.put(at(id, 'key1'), { key1: 'other' });
  expect([updated.status, updated.json]).toEqual([200, { key1: 'other' }]);
  expect((await server.get(at(id, 'key1'))).json).toEqual({ key1: 'other' });
  const deleted = await server.delete(at(id, 'key1'));
  expect([deleted.status, deleted.text]).toEqual([202, '']);
  expect((await server.get(at(id, 'key1'))).status).toBe(404);
  expect((await server.delete(at(id, 'key1'))).status).toBe(404);
});

it('extra specs echo what was sent, even a null that is kept as an empty text', async () => {
  const { id } = await newType();
  expect((await server.post(at(id), { extra_specs: { gpu: null } })).json).toEqual({ extra_specs: { gpu: null } });
  expect((await server.get(at(id, 'gpu'))).json).toEqual({ gpu: '' });
});

it.each([
  ['POST', '', { extra_specs: { 'a b': '1' } }, 'a b'],
  ['POST', '', { extra_specs: { a: 1 } }, 'a'],
  ['POST', '', {}, 'extra_specs'],
  ['PUT', 'a', { b: '1' }, 'URI mismatch'],
  ['PUT', 'a', { a: '1', b: '2' }, 'exactly one'],
  ['PUT', 'a', {}, 'exactly one'],
])('extra specs refuse by %s %s the body %j', async (method, key, body, reason) => {
  const { id } = await newType();
  const answer = await server.ask(method, at(id, key), { body });
  expect(answer.status).toBe(400);
  expect(answer.json.badRequest.message).toContain(reason);
});

it('extra specs do not change while a volume has the type', async () => {
  const { id, name } = await newType({ extra_specs: { a: '1' } });
  await server.post('/v3/demo/volumes', { volume: { size: 1, volume_type: name } });
  expect((await server.post(at(id), { extra_specs: { b: '2' } })).status).toBe(400);
  expect((await server.put(at(id, 'a'), { a: '2' })).status).toBe(400);
  expect((await server.delete(at(id, 'a'))).status).toBe(400);
  expect((await server.get(at(id))).json.extra_specs).toEqual({ a: '1' });
});

it('extra specs show users what they may know, and are changed by administrators', async () => {
  const { id } = await newType({ extra_specs: { multiattach: '<is> True', secret: 'x' } });
  const member = { token: MEMBER };
  expect((await server.get(at(id), member)).json.extra_specs).toEqual({ multiattach: '<is> True' });
  expect((await server.get(at(id, 'secret'), member)).status).toBe(404);
  expect((await server.post(at(id), { extra_specs: { a: '1' } }, member)).status).toBe(403);
  expect((await server.put(at(id, 'a'), { a: '1' }, member)).status).toBe(403);
  expect((await server.delete(at(id, 'secret'), member)).status).toBe(403);
  expect((await server.post(at(UNKNOWN), { extra_specs: { a: '1' } })).status).toBe(404);
});
