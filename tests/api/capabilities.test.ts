import { afterAll, beforeAll, expect, it } from 'vitest';
import { MEMBER } from './http-client.ts';
import { fieldsOf, sample } from './samples.ts';
import { POOL, startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const COMPRESSING = { ...POOL, pool: 'host@file#second', multiattach: false, capabilities: { compression: true } };
const DOWN = { ...POOL, pool: 'host@down#pool', thinProvisioning: false, multiattach: false };

beforeAll(async () => {
  const unusable = [{ pool: DOWN.pool, reason: 'it is down', report: DOWN }];
  server = await startTestServer({
    dependencies: { poolReports: { read: async () => ({ usable: [POOL, COMPRESSING], unusable }) } },
  });
});
afterAll(() => server.close());

const get = (host: string, options: object = {}) =>
  server.get(`/v3/demo/capabilities/${encodeURIComponent(host)}`, options);

it('a backend’s capabilities are what its pools have, with the fields of the sample', async () => {
  const { json } = await get('host@file');
  const documented = sample('backend-capabilities-response.json') as { properties: object };
  expect(fieldsOf(json)).toEqual(fieldsOf(documented));
  expect(json).toMatchObject({
    namespace: 'OS::Storage::Capabilities::host@file',
    vendor_name: 'Scoria',
    pool_name: null,
    replication_targets: [],
  });
  expect(fieldsOf(json.properties)).toEqual(['compression', 'multiattach', 'thin_provisioning']);
  expect(json.properties.thin_provisioning).toEqual({
    title: 'Thin Provisioning',
    description: 'Sets thin provisioning.',
    type: 'boolean',
  });
});

it('one pool may be asked for, and a backend that is down', async () => {
  const { json } = await get('host@file#second');
  expect(json.pool_name).toBe('second');
  expect(fieldsOf(json.properties)).toEqual(['compression', 'thin_provisioning']);
  expect((await get('host@down')).json.properties).toEqual({});
});

it('a backend that nobody reports is not found, and users may not ask', async () => {
  expect((await get('nosuch')).json.itemNotFound.message).toContain('nosuch');
  expect((await get('host@file', { token: MEMBER })).status).toBe(403);
});
