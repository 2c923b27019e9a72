import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, MEMBER } from './http-client.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const INSTANCE = '5bc3a1a6-5a3f-4b9b-9c3a-2f2f6a0f4b11';

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const act = (id: string, body: unknown, options: object = {}): Promise<Answer> =>
  server.post(`/v3/demo/volumes/${id}/action`, body, options);

const shown = async (id: string): Promise<Answer['json']> => (await server.get(`/v3/demo/volumes/${id}`)).json.volume;

/** Reserved, then attached to an instance. */
async function attachedVolume(): Promise<string> {
  const id = await server.availableVolume();
  await act(id, { 'os-reserve': null });
  await act(id, { 'os-attach': { instance_uuid: INSTANCE, mountpoint: '/dev/vdb' } });
  return id;
}

describe('os-extend', () => {
  it('begins to grow the volume', async () => {
    const id = await server.availableVolume();
    const answer = await act(id, { 'os-extend': { new_size: '3' } });
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect(await shown(id)).toMatchObject({ status: 'extending', size: 1 });
  });

  it('grows an attached volume from 3.42 on', async () => {
    const id = await attachedVolume();
    expect((await act(id, { 'os-extend': { new_size: 2 } }, { microversion: 41 })).status).toBe(400);
    expect((await act(id, { 'os-extend': { new_size: 2 } }, { microversion: 42 })).status).toBe(202);
  });

  it.each([[{}], [{ new_size: 0 }], [{ new_size: 'big' }], [{ new_size: null }], [{ new_size: 1.5 }]])(
    'refuses %j naming new_size',
    async (value) => {
      const answer = await act(await server.availableVolume(), { 'os-extend': value });
      expect(answer.status).toBe(400);
      expect(answer.json.badRequest.message).toContain('new_size');
    },
  );

  it('refuses a size that is not larger', async () => {
    const answer = await act(await server.availableVolume({ size: 3 }), { 'os-extend': { new_size: 3 } });
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toMatch(/^Invalid (input|volume)/);
  });
});

describe('os-reset_status', () => {
  it('sets status and attach status', async () => {
    const id = await server.availableVolume();
    expect((await act(id, { 'os-reset_status': { status: 'ERROR', attach_status: 'detached' } })).status).toBe(202);
    expect((await shown(id)).status).toBe('error');
  });

  it.each([
    [{ status: 'flying' }, 'flying'],
    [{ status: 'deleting' }, 'deleting'],
    [{ attach_status: 'perhaps' }, 'perhaps'],
    [{}, 'status'],
    [{ status: '' }, 'status'],
    [{ status: 5 }, 'status'],
    [{ state: 'error' }, 'state'],
  ])('refuses %j', async (value, named) => {
    const answer = await act(await server.availableVolume(), { 'os-reset_status': value });
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(named);
  });

  it('is for administrators, and says nothing of the volume to others', async () => {
    const body = { 'os-reset_status': { status: 'error' } };
    expect((await act(await server.availableVolume(), body, { token: MEMBER })).status).toBe(403);
    expect((await act('nobody', body, { token: MEMBER })).status).toBe(403);
    expect((await act('nobody', body)).status).toBe(404);
  });
});

describe('revert', () => {
  it('exists from 3.40, and refuses a wrong state with 409', async () => {
    const id = await server.availableVolume();
    const { json } = await server.post('/v3/demo/snapshots', { snapshot: { volume_id: id } });
    const body = { revert: { snapshot_id: json.snapshot.id } };
    expect((await act(id, body, { microversion: 39 })).status).toBe(404);
    expect((await act(id, body, { microversion: 40 })).status).toBe(409);
    await server.finishSnapshot(id, json.snapshot.id);
    expect((await act(id, body, { microversion: 40 })).status).toBe(202);
    expect((await shown(id)).status).toBe('reverting');
  });

  it('refuses a volume without snapshots with 400', async () => {
    expect((await act(await server.availableVolume(), { revert: { snapshot_id: INSTANCE } })).status).toBe(400);
  });
});

describe('os-force_delete', () => {
  it('deletes a volume that is being created', async () => {
    const { json } = await server.post('/v3/demo/volumes', { volume: { size: 1 } });
    expect((await act(json.volume.id, { 'os-force_delete': {} }, { token: MEMBER })).status).toBe(403);
    expect((await act(json.volume.id, { 'os-force_delete': {} })).status).toBe(202);
    expect((await shown(json.volume.id)).status).toBe('deleting');
  });
});

describe('flags', () => {
  it('os-set_bootable answers 200 and takes words for booleans', async () => {
    const id = await server.availableVolume();
    const answer = await act(id, { 'os-set_bootable': { bootable: 'On' } });
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect((await shown(id)).bootable).toBe('true');
  });

  it.each([1, 'perhaps', null])('os-set_bootable refuses %j', async (bootable) => {
    const answer = await act(await server.availableVolume(), { 'os-set_bootable': { bootable } });
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain('bootable');
  });

  it('os-update_readonly_flag shows among the metadata', async () => {
    const id = await server.availableVolume({ metadata: { k: 'v' } });
    expect((await act(id, { 'os-update_readonly_flag': { readonly: true } })).status).toBe(202);
    expect((await shown(id)).metadata).toEqual({ k: 'v', readonly: 'True' });
    expect((await server.get(`/v3/demo/volumes/${id}/metadata`)).json.metadata).toEqual({ k: 'v' });
  });
});

describe('image metadata', () => {
  it('is set, shown and removed key by key', async () => {
    const id = await server.availableVolume();
    const set = await act(id, { 'os-set_image_metadata': { metadata: { os: 'linux', arch: 'x'.repeat(300) } } });
    expect([set.status, set.json.metadata.os]).toEqual([200, 'linux']);
    const unset = await act(id, { 'os-unset_image_metadata': { key: 'arch' } });
    expect([unset.status, unset.text]).toEqual([200, '']);
    expect((await act(id, { 'os-show_image_metadata': null })).json).toEqual({ metadata: { os: 'linux' } });
    expect((await shown(id)).volume_image_metadata).toEqual({ os: 'linux' });
  });

  it('does not find a key that is not there', async () => {
    expect((await act(await server.availableVolume(), { 'os-unset_image_metadata': { key: 'none' } })).status).toBe(
      404,
    );
  });

  it('refuses a value over 65535 bytes', async () => {
    const body = { 'os-set_image_metadata': { metadata: { k: 'é'.repeat(32_768) } } };
    expect((await act(await server.availableVolume(), body)).json.badRequest.message).toContain('65535');
  });
});

describe('the old attachment flow', () => {
  it('reserves, attaches, begins to detach and detaches', async () => {
    const id = await server.availableVolume();
    expect((await act(id, { 'os-reserve': {} })).status).toBe(202);
    expect((await shown(id)).status).toBe('attaching');
    const attach = { instance_uuid: INSTANCE, mountpoint: '/dev/vdb', mode: 'rw' };
    expect((await act(id, { 'os-attach': attach })).status).toBe(202);
    const { volume } = (await server.get(`/v3/demo/volumes/${id}`, { token: MEMBER })).json;
    expect(volume.status).toBe('in-use');
    expect(volume.attachments).toEqual([
      {
        id,
        volume_id: id,
        attachment_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        server_id: INSTANCE,
        host_name: null,
        device: '/dev/vdb',
        attached_at: expect.stringMatching(/^\d{4}-/),
      },
    ]);
    expect((await act(id, { 'os-begin_detaching': null })).status).toBe(202);
    expect((await shown(id)).status).toBe('detaching');
    expect((await act(id, { 'os-roll_detaching': null })).status).toBe(202);
    expect((await shown(id)).status).toBe('in-use');
    await act(id, { 'os-begin_detaching': null });
    expect((await act(id, { 'os-detach': { attachment_id: volume.attachments[0].attachment_id } })).status).toBe(202);
    expect(await shown(id)).toMatchObject({ status: 'available', attachments: [] });
  });

  it('names the host of an attachment to administrators only', async () => {
    const id = await server.availableVolume();
    await act(id, { 'os-reserve': {} });
    await act(id, { 'os-attach': { host_name: 'node-1', mountpoint: '/dev/vdb' } });
    expect((await shown(id)).attachments[0]).toMatchObject({ server_id: null, host_name: 'node-1' });
    const seen = await server.get(`/v3/demo/volumes/${id}`, { token: MEMBER });
    expect(seen.json.volume.attachments[0].host_name).toBeNull();
  });

  it('puts a reserved volume back', async () => {
    const id = await server.availableVolume();
    await act(id, { 'os-reserve': {} });
    expect((await act(id, { 'os-unreserve': {} })).status).toBe(202);
    expect((await shown(id)).status).toBe('available');
  });

  it('refuses to reserve twice with 400', async () => {
    const id = await server.availableVolume();
    await act(id, { 'os-reserve': {} });
    const answer = await act(id, { 'os-reserve': {} });
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toMatch(/^Invalid volume: /);
  });

  it.each([
    [{ instance_uuid: INSTANCE }, 'mountpoint'],
    [{ mountpoint: '/dev/vdb' }, 'instance_uuid'],
    [{ instance_uuid: 'x', mountpoint: '/dev/vdb' }, 'instance_uuid'],
    [{ instance_uuid: INSTANCE, host_name: 'h', mountpoint: '/dev/vdb' }, 'host_name'],
    [{ instance_uuid: INSTANCE, mountpoint: '/dev/vdb', mode: 'wo' }, 'mode'],
  ])('refuses to attach with %j', async (value, named) => {
    const answer = await act(await server.availableVolume(), { 'os-attach': value });
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(named);
  });

  it('os-force_detach is for administrators', async () => {
    const id = await attachedVolume();
    const [attachment] = (await shown(id)).attachments;
    const body = { 'os-force_detach': { attachment_id: attachment.attachment_id, connector: { host: 'h' } } };
    expect((await act(id, body, { token: MEMBER })).status).toBe(403);
    expect((await act(id, body)).status).toBe(202);
    expect((await shown(id)).status).toBe('available');
  });
});

describe('what is not an action', () => {
  it.each([
    [{ 'os-fly': null }, 'There is no such action: os-fly.'],
    [{}, 'Malformed request body'],
  ])('refuses %j', async (body, message) => {
    const answer = await act(await server.availableVolume(), body);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(message);
  });

  it('is looked at before the volume is', async () => {
    expect((await act('nobody', { 'os-fly': null })).status).toBe(400);
    expect((await act('nobody', { 'os-reserve': null })).status).toBe(404);
  });
});
