import { afterAll, beforeAll, expect, it } from 'vitest';
import { fieldsOf, sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

// biome-ignore lint/suspicious/noExplicitAny: rows of texts
const list = async (query = ''): Promise<readonly any[]> =>
  (await server.get(`/v3/demo/resource_filters${query}`, { token: 'rita:demo:reader' })).json.resource_filters;

it('filters are listed by resource, as the default file of the original has them', async () => {
  const rows = await list();
  expect(fieldsOf(rows)).toEqual(fieldsOf(sample('resource-filters-list-response.json').resource_filters));
  const byResource = Object.fromEntries(rows.map(({ resource, filters }) => [resource, [...filters].sort()]));
  expect(byResource).toEqual({
    volume: [
      'availability_zone',
      'bootable',
      'consumes_quota',
      'created_at',
      'group_id',
      'metadata',
      'migration_status',
      'name',
      'size',
      'status',
      'updated_at',
    ],
    snapshot: ['availability_zone', 'consumes_quota', 'metadata', 'name', 'status', 'volume_id'],
    message: ['event_id', 'message_level', 'request_id', 'resource_type', 'resource_uuid'],
    pool: ['name', 'volume_type'],
    volume_type: ['extra_specs', 'is_public'],
  });
});

it('one resource may be asked for; another has none', async () => {
  expect(await list('?resource=pool')).toEqual([{ resource: 'pool', filters: ['name', 'volume_type'] }]);
  expect(await list('?resource=nosuch')).toEqual([]);
});

it('they are there from 3.33 on', async () => {
  expect((await server.get('/v3/resource_filters', { microversion: 32 })).json.itemNotFound).toBeDefined();
});
