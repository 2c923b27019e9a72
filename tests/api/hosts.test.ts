import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MEMBER, STRANGER } from './http-client.ts';
import { registerServices } from './registered.ts';
import { fieldsOf, sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const HOST = 'host@file';

beforeAll(async () => {
  server = await startTestServer();
  await registerServices(server, [
    { host: HOST },
    { host: 'host@south', zone: 'south', beatAgoMs: 61_000 },
    { binary: 'cinder-scheduler', host: 'host' },
  ]);
});
afterAll(() => server.close());

// biome-ignore lint/suspicious/noExplicitAny: rows of texts
const list = async (query = ''): Promise<readonly any[]> => (await server.get(`/v3/demo/os-hosts${query}`)).json.hosts;
const update = (host: string, body: object, options: object = {}) =>
  server.put(`/v3/demo/os-hosts/${host}`, body, options);

describe('listing hosts', () => {
  it('has a row for each service with the fields of the sample', async () => {
    const rows = await list();
    expect(rows).toHaveLength(3);
    expect(fieldsOf(rows)).toEqual(fieldsOf(sample('hosts-list-response.json').hosts));
    expect(rows.find(({ host_name }) => host_name === HOST)).toMatchObject({
      service: 'cinder-volume',
      zone: 'nova',
      'service-status': 'available',
      'service-state': 'enabled',
    });
  });

  it('filters by zone, and shows what is down', async () => {
    expect(await list('?zone=south')).toMatchObject([{ host_name: 'host@south', 'service-status': 'unavailable' }]);
    expect(await list('?zone=nosuch')).toEqual([]);
  });

  it('is for administrators', async () => {
    expect((await server.get('/v3/os-hosts', { token: MEMBER })).status).toBe(403);
  });
});

describe('showing a host', () => {
  it('adds up volumes and snapshots of each project, numbers as texts', async () => {
    const id = await server.availableVolume({ size: 3 }, MEMBER);
    const snapshot = await server.post('/v3/snapshots', { snapshot: { volume_id: id } }, { token: MEMBER });
    expect(snapshot.status).toBe(202);
    await server.availableVolume({ size: 2 }, MEMBER);
    await server.availableVolume({ size: 4 }, STRANGER);
    await server.post('/v3/volumes', { volume: { size: 9 } }, { token: MEMBER });
    const { json } = await server.get(`/v3/demo/os-hosts/${HOST}`);
    const documented = sample('hosts-get-response.json').host as { resource: object }[];
    expect(fieldsOf(json.host[0].resource)).toEqual(fieldsOf(documented[0]?.resource));
    const usage = (project: string, volumes: string, volumesGiB: string, snapshots: string, snapshotsGiB: string) => ({
      resource: {
        host: HOST,
        project,
        volume_count: volumes,
        total_volume_gb: volumesGiB,
        snapshot_count: snapshots,
        total_snapshot_gb: snapshotsGiB,
      },
    });
    expect(json.host[0]).toEqual(usage('(total)', '3', '9', '1', '3'));
    expect(json.host).toHaveLength(3);
    expect(json.host).toContainEqual(usage('demo', '2', '5', '1', '3'));
    expect(json.host).toContainEqual(usage('other', '1', '4', '0', '0'));
  });

  it('shows an empty one with its total alone, and none that has no volume service', async () => {
    const { json } = await server.get('/v3/os-hosts/host@south');
    expect(json.host).toMatchObject([{ resource: { project: '(total)', volume_count: '0' } }]);
    expect((await server.get('/v3/os-hosts/host')).status).toBe(404);
    expect((await server.get('/v3/os-hosts/nosuch')).json.itemNotFound.message).toContain('nosuch');
    expect((await server.get(`/v3/os-hosts/${HOST}`, { token: MEMBER })).status).toBe(403);
  });
});

describe('updating a host', () => {
  it('disables and enables its services, whatever the case of the words', async () => {
    const disabled = await update(HOST, { status: 'disable' });
    expect([disabled.status, disabled.json]).toEqual([200, { host: HOST, status: 'disabled' }]);
    const row = async () => (await list()).find(({ host_name }) => host_name === HOST);
    expect(await row()).toMatchObject({ 'service-state': 'disabled' });
    const enabled = await update(HOST, { Status: 'ENABLE' });
    expect(enabled.json).toEqual({ host: HOST, status: 'enabled' });
    expect(await row()).toMatchObject({ 'service-state': 'enabled' });
  });

  it('answers an empty object to a body without a setting', async () => {
    expect((await update(HOST, {})).json).toEqual({});
  });

  it.each([
    [{ status: 'explode' }, 'status'],
    [{ STATUS: 'explode' }, 'Invalid status'],
    [{ maintenance_mode: 'on' }, "Invalid update setting: 'maintenance_mode'"],
  ])('refuses %j with 400', async (body, reason) => {
    const answer = await update(HOST, body);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(reason);
  });

  it('refuses a host that is not there, none at all, and users', async () => {
    expect((await update('nosuch', { status: 'disable' })).status).toBe(404);
    expect((await server.put('/v3/demo/os-hosts', { status: 'disable' })).status).toBe(400);
    expect((await update(HOST, { status: 'disable' }, { token: MEMBER })).status).toBe(403);
  });
});
