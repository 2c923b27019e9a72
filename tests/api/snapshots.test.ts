import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, MEMBER, READER, STRANGER } from './http-client.ts';
import { fieldsOf, sample, typesOf } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
let volumeId: string;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

beforeAll(async () => {
  server = await startTestServer();
  volumeId = await server.availableVolume({ size: 2 });
});
afterAll(() => server.close());

const create = (fields: object = {}, options: object = {}): Promise<Answer> =>
  server.post('/v3/demo/snapshots', { snapshot: { volume_id: volumeId, ...fields } }, options);

async function availableSnapshot(fields: object = {}): Promise<string> {
  const { json } = await create(fields);
  await server.finishSnapshot(volumeId, json.snapshot.id);
  return json.snapshot.id;
}

const show = async (id: string, options: object = {}): Promise<Answer['json']> =>
  (await server.get(`/v3/demo/snapshots/${id}`, options)).json.snapshot;

const act = (id: string, body: unknown, options: object = {}): Promise<Answer> =>
  server.post(`/v3/demo/snapshots/${id}/action`, body, options);

describe('creating a snapshot', () => {
  it('answers 202 with the snapshot in creating, and a following read sees it', async () => {
    const answer = await create({ name: ' daily ', description: 'Daily backup', metadata: { key: 'v3' } });
    expect(answer.status).toBe(202);
    expect(answer.json.snapshot).toMatchObject({
      status: 'creating',
      volume_id: volumeId,
      size: 2,
      name: 'daily',
      description: 'Daily backup',
      metadata: { key: 'v3' },
      user_id: 'root',
      group_snapshot_id: null,
      consumes_quota: true,
    });
    expect(await show(answer.json.snapshot.id)).toMatchObject({ status: 'creating', name: 'daily' });
  });

  it.each([
    [0, ''],
    [14, 'v3.14/'],
    [41, 'v3.41/'],
    [65, 'v3.65/'],
  ])('has at 3.%d the fields of the sample, created, shown, updated and listed', async (microversion, folder) => {
    const { json } = await create({}, { microversion });
    expect(fieldsOf(json.snapshot)).toEqual(
      fieldsOf(sample(`snapshots/${folder}snapshot-create-response.json`).snapshot),
    );
    const path = `/v3/demo/snapshots/${json.snapshot.id}`;
    const shown = await server.get(path, { microversion });
    const shownSample = sample(`snapshots/${folder}snapshot-show-response.json`).snapshot;
    expect(fieldsOf(shown.json.snapshot)).toEqual(fieldsOf(shownSample));
    const updated = await server.put(path, { snapshot: { name: 'x' } }, { microversion });
    expect(fieldsOf(updated.json.snapshot)).toEqual(
      fieldsOf(sample(`snapshots/${folder}snapshot-update-response.json`).snapshot),
    );
    const listed = await server.get('/v3/demo/snapshots/detail?limit=1', { microversion });
    expect(fieldsOf(listed.json.snapshots)).toEqual(
      fieldsOf(sample(`snapshots/${folder}snapshots-list-detailed-response.json`).snapshots),
    );
    const types = typesOf(shown.json.snapshot);
    for (const [field, type] of Object.entries(typesOf(shownSample))) {
      if (type !== 'null' && types[field] !== 'null') expect([field, types[field]]).toEqual([field, type]);
    }
  });

  it('needs force for an attached volume below 3.66', async () => {
    const id = await server.availableVolume();
    await server.post(`/v3/demo/volumes/${id}/action`, { 'os-reserve': {} });
    const attach = { 'os-attach': { host_name: 'h', mountpoint: '/dev/vdb' } };
    await server.post(`/v3/demo/volumes/${id}/action`, attach);
    const body = { volume_id: id };
    expect((await create(body, { microversion: 65 })).status).toBe(400);
    expect((await create({ ...body, force: 'true' }, { microversion: 65 })).status).toBe(202);
    expect((await create(body, { microversion: 66 })).status).toBe(202);
  });

  it('accepts force=true and refuses force=false from 3.66 on', async () => {
    expect((await create({ force: true }, { microversion: 66 })).status).toBe(202);
    expect((await create({ force: false }, { microversion: 65 })).status).toBe(202);
    const refused = await create({ force: false }, { microversion: 66 });
    expect(refused.status).toBe(400);
    expect(refused.json.badRequest.message).toContain('force');
  });

  it.each([
    [{ volume_id: null }, 'volume_id'],
    [{ volume_id: 'x' }, 'volume_id'],
    [{ name: 'x'.repeat(256) }, 'name'],
    [{ description: 'a\u0000b' }, 'description'],
    [{ force: 1 }, 'force'],
    [{ metadata: { k: 1 } }, 'k'],
    [{ colour: 'red' }, 'colour'],
  ])('refuses %j naming it', async (fields, named) => {
    const answer = await create(fields);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(named);
  });

  it('needs a volume_id', async () => {
    const answer = await server.post('/v3/snapshots', { snapshot: {} });
    expect(answer.json.badRequest.message).toContain("'volume_id' is a required property");
  });

  it("does not find a volume that is not there, or another project's", async () => {
    expect((await create({ volume_id: UNKNOWN })).json.itemNotFound.message).toContain(UNKNOWN);
    const foreign = await server.post('/v3/snapshots', { snapshot: { volume_id: volumeId } }, { token: STRANGER });
    expect(foreign.status).toBe(404);
    expect((await create({}, { token: READER })).status).toBe(403);
  });

  it('makes a volume from it, no smaller than it', async () => {
    const id = await availableSnapshot();
    const post = (fields: object): Promise<Answer> =>
      server.post('/v3/volumes', { volume: { snapshot_id: id, ...fields } });
    expect((await post({})).json.volume).toMatchObject({ size: 2, snapshot_id: id });
    expect((await post({ size: 1 })).status).toBe(400);
  });
});

describe('changing a snapshot', () => {
  it('renames it', async () => {
    const id = await availableSnapshot();
    const answer = await server.put(`/v3/demo/snapshots/${id}`, {
      snapshot: { display_name: 'old style', description: 'd' },
    });
    expect(answer.json.snapshot).toMatchObject({ name: 'old style', description: 'd', status: 'available' });
    expect((await server.put(`/v3/demo/snapshots/${id}`, { snapshot: {} })).status).toBe(400);
  });

  it('keeps metadata by whole and by key', async () => {
    const path = `/v3/demo/snapshots/${await availableSnapshot({ metadata: { a: '1' } })}/metadata`;
    expect((await server.post(path, { metadata: { b: '2' } })).json).toEqual({ metadata: { a: '1', b: '2' } });
    expect((await server.put(`${path}/b`, { meta: { b: '3' } })).json).toEqual({ meta: { b: '3' } });
    expect((await server.get(`${path}/b`)).json).toEqual({ meta: { b: '3' } });
    expect((await server.delete(`${path}/a`)).status).toBe(200);
    expect((await server.get(path)).json).toEqual({ metadata: { b: '3' } });
    expect((await server.get(`${path}/a`)).json.itemNotFound.message).toContain('has no metadata with key a.');
    expect((await server.put(path, { metadata: { z: '9' } })).json).toEqual({ metadata: { z: '9' } });
    expect((await server.put(path, { metadata: { 'a/b': '1' } })).json.badRequest.message).toContain('a/b');
    expect((await server.get(path)).headers.get('Etag')).toBeNull();
  });

  it('deletes it', async () => {
    const id = await availableSnapshot();
    const answer = await server.delete(`/v3/demo/snapshots/${id}`);
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect((await show(id)).status).toBe('deleting');
    expect((await server.delete(`/v3/demo/snapshots/${UNKNOWN}`)).status).toBe(404);
  });

  it('refuses to delete one that is being created, unless forced by an administrator', async () => {
    const { id } = (await create()).json.snapshot;
    expect((await server.delete(`/v3/demo/snapshots/${id}`)).json.badRequest.message).toMatch(/^Invalid snapshot: /);
    expect((await act(id, { 'os-force_delete': {} }, { token: MEMBER })).status).toBe(403);
    expect((await act(id, { 'os-force_delete': {} })).status).toBe(202);
  });
});

describe('actions on a snapshot', () => {
  it('os-reset_status sets any status, for administrators', async () => {
    const id = await availableSnapshot();
    expect((await act(id, { 'os-reset_status': { status: 'error' } }, { token: MEMBER })).status).toBe(403);
    expect((await act(id, { 'os-reset_status': { status: 'error' } })).status).toBe(202);
    expect((await show(id)).status).toBe('error');
    expect((await act(id, { 'os-reset_status': { status: 'flying' } })).json.badRequest.message).toContain('flying');
    expect((await act(id, { 'os-reset_status': {} })).json.badRequest.message).toContain('status');
  });

  it('os-update_snapshot_status reports progress', async () => {
    const { id } = (await create()).json.snapshot;
    const update = (fields: object): Promise<Answer> => act(id, { 'os-update_snapshot_status': fields });
    expect((await update({ status: 'creating', progress: '40%' })).status).toBe(202);
    expect((await show(id))['os-extended-snapshot-attributes:progress']).toBe('40%');
    expect((await update({ status: 'creating', progress: '101%' })).json.badRequest.message).toContain('progress');
    expect((await update({ status: 'deleting' })).status).toBe(400);
    expect((await update({ status: 'available', progress: '100%' })).status).toBe(202);
    expect((await show(id)).status).toBe('available');
  });
});

describe('lists of snapshots', () => {
  it('filter by volume, status and metadata', async () => {
    const other = await server.availableVolume();
    const { json } = await create({ volume_id: other, name: 'lonely', metadata: { k: 'v' } });
    const ids = async (query: string, ask: object = {}): Promise<unknown> =>
      (await server.get(`/v3/demo/snapshots?${query}`, ask)).json.snapshots.map(({ id }: { id: string }) => id);
    expect(await ids(`volume_id=${other}`)).toEqual([json.snapshot.id]);
    expect(await ids(`volume_id=${other}&status=available`)).toEqual([]);
    expect(await ids("metadata={'k': 'v'}")).toEqual([json.snapshot.id]);
    expect(await ids('name=lonely', { token: MEMBER })).toEqual([json.snapshot.id]);
    expect((await server.get('/v3/snapshots?with_count=true&name=lonely')).json.count).toBe(1);
  });

  it('are brief or detailed', async () => {
    const brief = await server.get('/v3/snapshots?limit=1');
    expect(fieldsOf(brief.json.snapshots)).toEqual(
      fieldsOf(sample('snapshots/snapshots-list-response.json').snapshots),
    );
    expect(brief.json.snapshots_links[0].href).toContain(`/v3/snapshots?limit=1&marker=${brief.json.snapshots[0].id}`);
  });

  it('sort by name from 3.30 on', async () => {
    const refused = await server.get('/v3/snapshots?sort=name:asc', { microversion: 29 });
    expect(refused.json.badRequest.message).toBe('Invalid input received: Invalid sort key');
    expect((await server.get('/v3/snapshots?sort=display_name:asc', { microversion: 29 })).status).toBe(200);
    expect((await server.get('/v3/snapshots?sort=name:asc', { microversion: 30 })).status).toBe(200);
  });

  it("do not show another project's", async () => {
    expect((await server.get('/v3/snapshots', { token: STRANGER })).json).toEqual({ snapshots: [] });
    const { id } = (await create()).json.snapshot;
    expect((await server.get(`/v3/snapshots/${id}`, { token: STRANGER })).status).toBe(404);
  });
});
