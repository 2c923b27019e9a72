import { afterAll, beforeAll, expect, it } from 'vitest';
import { MEMBER } from './http-client.ts';
import { fieldsOf, sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ quota: { volumes: 10, gigabytes: 1000 } });
  await server.availableVolume({ size: 3 }, MEMBER);
});
afterAll(() => server.close());

const absolute = async (query = '', options: object = {}) =>
  (await server.get(`/v3/limits${query}`, options)).json.limits.absolute;

it('limits show what a project may use and uses, reserved amounts aside', async () => {
  const answer = await server.get('/v3/demo/limits', { token: MEMBER });
  const documented = sample('limits/limits-show-response.json').limits as Record<string, unknown>;
  expect(fieldsOf(answer.json.limits)).toEqual(fieldsOf(documented));
  expect(fieldsOf(answer.json.limits.absolute)).toEqual(fieldsOf(documented.absolute));
  expect(answer.json.limits).toMatchObject({
    rate: [],
    absolute: { maxTotalVolumes: 10, totalVolumesUsed: 1, maxTotalVolumeGigabytes: 1000, totalGigabytesUsed: 3 },
  });
  const { volumes } = (await server.get('/v3/volumes')).json;
  await server.post(`/v3/volumes/${volumes[0].id}/action`, { 'os-extend': { new_size: 9 } });
  expect(await absolute('', { token: MEMBER })).toMatchObject({ totalGigabytesUsed: 3 });
});

it('administrators may ask for another project from 3.39 on, under either name', async () => {
  await server.put('/v3/os-quota-sets/other', { quota_set: { volumes: 77 } });
  for (const query of ['?project_id=other', '?tenant_id=other']) {
    expect(await absolute(query)).toMatchObject({ maxTotalVolumes: 77, totalVolumesUsed: 0 });
    expect(await absolute(query, { microversion: 38 })).toMatchObject({ maxTotalVolumes: 10, totalVolumesUsed: 1 });
    expect(await absolute(query, { token: MEMBER })).toMatchObject({ maxTotalVolumes: 10, totalVolumesUsed: 1 });
  }
});

it('whoever may not read the project sees the limits without what is used', async () => {
  const limits = await absolute('', { token: 'nobody:demo:guest' });
  expect(limits).toMatchObject({ maxTotalVolumes: 10 });
  expect(limits).not.toHaveProperty('totalVolumesUsed');
});
