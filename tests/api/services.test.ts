import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MEMBER } from './http-client.ts';
import { registerServices } from './registered.ts';
import { fieldsOf, sample } from './samples.ts';
import { POOL, startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;
const UP = 'host@file';
const DOWN = 'host@slow';

beforeAll(async () => {
  server = await startTestServer({ pools: [POOL] });
  await registerServices(server, [
    { host: UP },
    { host: DOWN, zone: 'south', beatAgoMs: 61_000 },
    { binary: 'cinder-scheduler', host: 'host', beatAgoMs: 1_000 },
    { host: 'other@file', beatAgoMs: null },
  ]);
});
afterAll(() => server.close());

// biome-ignore lint/suspicious/noExplicitAny: rows have fields by microversion
const list = async (query = '', microversion = 71): Promise<readonly any[]> =>
  (await server.get(`/v3/demo/os-services${query}`, { microversion })).json.services;
const one = async (host: string, binary = 'cinder-volume') => (await list(`?host=${host}&binary=${binary}`))[0];
const change = (action: string, body: object, options: object = {}) =>
  server.put(`/v3/demo/os-services/${action}`, body, options);

describe('listing services', () => {
  it.each([
    [49, 'os-services/v3.49/services-list-response.json'],
    [7, 'services-list-response.json'],
  ])('has at 3.%d the fields of the sample for a volume service', async (microversion, path) => {
    const documented = sample(path).services as { binary: string }[];
    const row = (await list(`?host=${UP}`, microversion))[0];
    expect(fieldsOf(row)).toEqual(fieldsOf(documented.find(({ binary }) => binary === 'cinder-volume')));
    expect(row.updated_at).toMatch(TIME);
  });

  it('has no cluster below 3.7, and what concerns backends for volume services alone', async () => {
    expect((await list('', 6)).every((row) => !('cluster' in row))).toBe(true);
    const scheduler = await one('host', 'cinder-scheduler');
    expect(fieldsOf(scheduler)).toEqual([
      'binary',
      'cluster',
      'disabled_reason',
      'host',
      'state',
      'status',
      'updated_at',
      'zone',
    ]);
  });

  it('tells from the last beat which are up; one that never beat is up for as long from its registration', async () => {
    expect(await one(UP)).toMatchObject({ state: 'up', backend_state: 'up', zone: 'nova', status: 'enabled' });
    expect(await one(DOWN)).toMatchObject({ state: 'down', backend_state: null, zone: 'south' });
    expect(await one('other@file')).toMatchObject({ state: 'up', updated_at: null, backend_state: null });
  });

  it('filters by binary, and by a host with or without its backends', async () => {
    const hosts = async (query: string) => (await list(query)).map(({ host }) => host).sort();
    expect(await hosts('?host=host')).toEqual(['host', UP, DOWN]);
    expect(await hosts(`?host=${UP}`)).toEqual([UP]);
    expect(await hosts('?binary=cinder-scheduler')).toEqual(['host']);
    expect(await hosts('?host=nosuch')).toEqual([]);
  });

  it('is for administrators', async () => {
    expect((await server.get('/v3/os-services', { token: MEMBER })).status).toBe(403);
  });
});

describe('disabling and enabling a service', () => {
  it('is seen in the list, with the reason', async () => {
    const body = { host: UP, binary: 'cinder-volume', disabled_reason: 'test2' };
    const disabled = await change('disable-log-reason', body);
    expect(disabled.status).toBe(200);
    expect(disabled.json).toEqual({ ...sample('os-services/service-disable-log-reason-response.json'), host: UP });
    expect(await one(UP)).toMatchObject({ status: 'disabled', disabled_reason: 'test2', state: 'up' });
    const enabled = await change('enable', { host: UP, binary: 'cinder-volume' });
    expect(enabled.json).toEqual({ ...sample('os-services/service-enable-response.json'), host: UP });
    expect(await one(UP)).toMatchObject({ status: 'enabled' });
    const again = await change('disable', { host: UP, binary: 'cinder-volume' });
    expect(again.json).toEqual({ ...sample('os-services/service-disable-response.json'), host: UP });
    expect(await one(UP)).toMatchObject({ status: 'disabled' });
    await change('enable', { host: UP, binary: 'cinder-volume' });
  });

  it('takes the old word service for binary', async () => {
    const answer = await change('disable', { host: DOWN, service: 'cinder-volume' });
    expect(answer.json).toMatchObject({ service: 'cinder-volume', binary: '', disabled: true });
    expect(await one(DOWN)).toMatchObject({ status: 'disabled' });
  });

  it.each(['enable', 'disable', 'disable-log-reason'])('%s refuses what names no service', async (action) => {
    const refusal = async (body: object) => {
      const answer = await change(action, body);
      return [answer.status, (answer.json.badRequest ?? answer.json.itemNotFound).message];
    };
    expect(await refusal({ binary: 'cinder-volume' })).toEqual([400, expect.stringContaining('Host field is missing')]);
    expect(await refusal({ host: null, binary: 'cinder-volume' })).toEqual([400, expect.any(String)]);
    expect(await refusal({ host: UP })).toEqual([400, expect.stringContaining("'binary'")]);
    expect(await refusal({ host: 'a b', binary: 'cinder-volume' })).toEqual([400, expect.stringContaining('host')]);
    expect(await refusal({ host: UP, binary: 'cinder-volume', x: 1 })).toEqual([400, expect.stringContaining("'x'")]);
    expect(await refusal({ host: 'nosuch', binary: 'cinder-volume' })).toEqual([
      404,
      expect.stringContaining('cinder-volume@nosuch'),
    ]);
  });

  it('refuses a blank reason', async () => {
    const answer = await change('disable-log-reason', { host: UP, binary: 'cinder-volume', disabled_reason: '  ' });
    expect(answer.json.badRequest.message).toContain('disabled_reason');
  });
});

describe('freezing and thawing a backend', () => {
  it('is seen in the list, disables it meanwhile, and is refused where it is so already', async () => {
    expect((await change('thaw', { host: UP })).status).toBe(400);
    const frozen = await change('freeze', { host: UP });
    expect([frozen.status, frozen.text]).toEqual([200, '']);
    expect(await one(UP)).toMatchObject({ frozen: true, status: 'disabled', disabled_reason: 'frozen' });
    expect((await change('freeze', { host: UP })).status).toBe(400);
    const thawed = await change('thaw', { host: UP });
    expect([thawed.status, thawed.text]).toEqual([200, '']);
    expect(await one(UP)).toMatchObject({ frozen: false, status: 'enabled' });
  });

  it('keeps volumes there as they are', async () => {
    const id = await server.availableVolume();
    await change('freeze', { host: UP });
    expect((await server.delete(`/v3/volumes/${id}`)).status).toBe(400);
    await change('thaw', { host: UP });
    expect((await server.delete(`/v3/volumes/${id}`)).status).toBe(202);
  });

  it.each([
    ['no host', {}, 71, 'One and only one of cluster and host'],
    ['host and cluster', { host: UP, cluster: 'c' }, 71, 'One and only one of cluster and host'],
    ['a cluster, of which there are none', { cluster: 'c' }, 71, 'Cluster c could not be found'],
    ['no host below 3.26', { cluster: 'c' }, 25, 'Host field is missing'],
    ['a host that never registered', { host: 'nosuch@file' }, 71, 'nosuch@file'],
    ['an unknown key', { host: UP, x: 1 }, 71, "'x'"],
  ])('refuses %s with 400', async (_what, body, microversion, reason) => {
    for (const action of ['freeze', 'thaw']) {
      const answer = await change(action, body, { microversion });
      expect(answer.status).toBe(400);
      expect(answer.json.badRequest.message).toContain(reason);
    }
  });

  it('ignores a cluster beside the host below 3.26', async () => {
    expect((await change('freeze', { host: UP, cluster: 'c' }, { microversion: 25 })).status).toBe(200);
    expect((await change('thaw', { host: UP, cluster: 'c' }, { microversion: 25 })).status).toBe(200);
  });
});

it.each(['enable', 'disable', 'disable-log-reason', 'freeze', 'thaw'])('%s is for administrators', async (action) => {
  const body = { host: UP, ...(action.startsWith('f') || action === 'thaw' ? {} : { binary: 'cinder-volume' }) };
  expect((await change(action, body, { token: MEMBER })).status).toBe(403);
});
