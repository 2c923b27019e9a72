import { afterAll, beforeAll, expect, it } from 'vitest';
import { READER } from './http-client.ts';
import { registerServices } from './registered.ts';
import { sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

it('zones are those of the volume services, each available while one of them is enabled', async () => {
  const get = async () => (await server.get('/v3/demo/os-availability-zone', { token: READER })).json;
  expect(await get()).toEqual({ availabilityZoneInfo: [] });
  await registerServices(server, [{ host: 'a@file' }, { binary: 'cinder-scheduler', host: 'a', zone: 'control' }]);
  expect(await get()).toEqual(sample('availability-zone-list-response.json'));
  await registerServices(server, [{ host: 'b@file' }, { host: 'c@file', zone: 'south' }]);
  for (const host of ['a@file', 'c@file']) {
    await server.put('/v3/os-services/disable', { host, binary: 'cinder-volume' });
  }
  expect((await get()).availabilityZoneInfo).toEqual([
    { zoneName: 'nova', zoneState: { available: true } },
    { zoneName: 'south', zoneState: { available: false } },
  ]);
});
