import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, MEMBER, READER, STRANGER } from './http-client.ts';
import { fieldsOf, sample, typesOf } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const create = async (fields: object, options: object = {}) =>
  server.post('/v3/demo/volumes', { volume: fields }, options);

describe('creating a volume', () => {
  it('answers 202 with the volume in creating, and a following read sees it', async () => {
    const answer = await create({ size: 2, name: ' data ', description: 'rows', metadata: { tier: 'gold' } });
    expect(answer.status).toBe(202);
    const { volume } = answer.json;
    expect(volume).toMatchObject({
      status: 'creating',
      size: 2,
      name: 'data',
      description: 'rows',
      metadata: { tier: 'gold' },
      volume_type: '__DEFAULT__',
      availability_zone: 'nova',
      bootable: 'false',
      encrypted: false,
      multiattach: false,
      attachments: [],
      user_id: 'root',
      updated_at: null,
      consumes_quota: true,
    });
    expect(volume.created_at).toMatch(TIME);
    expect(answer.headers.get('Location')).toBeNull();
    const shown = await server.get(`/v3/demo/volumes/${volume.id}`);
    expect(shown.json.volume).toMatchObject({ id: volume.id, created_at: volume.created_at, status: 'creating' });
  });

  it.each([
    [0, ''],
    [13, 'v3.13/'],
    [21, 'v3.21/'],
    [48, 'v3.48/'],
    [61, 'v3.61/'],
    [63, 'v3.63/'],
    [65, 'v3.65/'],
    [69, 'v3.69/'],
  ])('has at 3.%d the fields of the sample, created, shown, updated and listed', async (microversion, folder) => {
    const created = await create({ size: 1 }, { microversion });
    const path = `/v3/demo/volumes/${created.json.volume.id}`;
    expect(fieldsOf(created.json.volume)).toEqual(
      fieldsOf(sample(`volumes/${folder}volume-create-response.json`).volume),
    );
    const shown = await server.get(path, { microversion });
    const shownSample = sample(`volumes/${folder}volume-show-response.json`).volume;
    expect(fieldsOf(shown.json.volume)).toEqual(fieldsOf(shownSample));
    const updated = await server.put(path, { volume: { name: 'x' } }, { microversion });
    expect(fieldsOf(updated.json.volume)).toEqual(
      fieldsOf(sample(`volumes/${folder}volume-update-response.json`).volume),
    );
    const listed = await server.get('/v3/demo/volumes/detail?limit=1', { microversion });
    const listSample = sample(`volumes/${folder}volumes-list-detailed-response.json`).volumes;
    expect(fieldsOf(listed.json.volumes)).toEqual(fieldsOf(listSample));
    const types = typesOf(shown.json.volume);
    for (const [field, type] of Object.entries(typesOf(shownSample))) {
      if (type !== 'null' && types[field] !== 'null') expect([field, types[field]]).toEqual([field, type]);
    }
  });

  it('shows shared_targets that nobody knows as true before 3.69', async () => {
    const { json } = await create({ size: 1 });
    const path = `/v3/demo/volumes/${json.volume.id}`;
    expect((await server.get(path, { microversion: 68 })).json.volume.shared_targets).toBe(true);
    expect((await server.get(path, { microversion: 69 })).json.volume.shared_targets).toBeNull();
  });

  it('shows members neither host nor provider id nor migration status', async () => {
    const { json } = await create({ size: 1 }, { token: MEMBER });
    const { volume } = (await server.get(`/v3/demo/volumes/${json.volume.id}`, { token: MEMBER })).json;
    expect(volume).not.toHaveProperty('migration_status');
    expect(volume).not.toHaveProperty('provider_id');
    expect(volume).not.toHaveProperty('cluster_name');
    expect(volume).not.toHaveProperty('os-vol-host-attr:host');
    expect(volume['os-vol-tenant-attr:tenant_id']).toBe('demo');
  });

  it('links to itself with the project only where the request had it', async () => {
    const { json } = await create({ size: 1 });
    const { id } = json.volume;
    expect(json.volume.links).toEqual([
      { rel: 'self', href: `${server.url}/v3/demo/volumes/${id}` },
      { rel: 'bookmark', href: `${server.url}/demo/volumes/${id}` },
    ]);
    expect((await server.get(`/v3/volumes/${id}`)).json.volume.links[0].href).toBe(`${server.url}/v3/volumes/${id}`);
    const forwarded = await server.get(`/v3/volumes/${id}`, { headers: { 'X-Forwarded-Host': 'cloud.example:443' } });
    expect(forwarded.json.volume.links[0].href).toBe(`http://cloud.example:443/v3/volumes/${id}`);
  });

  it.each([
    [{}, 'size'],
    [{ size: null }, 'size'],
    [{ size: 0 }, 'size'],
    [{ size: -1 }, 'size'],
    [{ size: 1.5 }, 'size'],
    [{ size: 'big' }, 'size'],
    [{ size: 2_147_483_648 }, 'size'],
    [{ size: 1, name: 5 }, 'name'],
    [{ size: 1, name: 'x'.repeat(256) }, 'name has 256 characters, more than 255.'],
    [{ size: 1, description: 'x'.repeat(256) }, 'description has 256 characters'],
    [{ size: 1, metadata: [] }, 'metadata'],
    [{ size: 1, metadata: { 'k?': 'v' } }, 'k?'],
    [{ size: 1, metadata: { k: 5 } }, 'k'],
    [{ size: 1, metadata: { k: 'v'.repeat(256) } }, 'k'],
    [{ size: 1, snapshot_id: 'x' }, "snapshot_id. Value: x. 'x' is not a 'uuid'"],
    [{ size: 1, source_volid: 7 }, 'source_volid'],
    [{ size: 1, multiattach: 1 }, 'multiattach'],
    [{ size: 1, multiattach: true }, 'multiattach'],
    [{ size: 1, availability_zone: '' }, 'availability_zone'],
    [{ size: 1, imageRef: 'cirros' }, 'imageRef'],
    [{ size: 1, backup_id: UNKNOWN }, 'backup_id'],
    [{ size: 1, group_id: UNKNOWN }, 'group_id'],
    [{ size: 1, consistencygroup_id: UNKNOWN }, 'consistencygroup_id'],
    [{ size: 1, snapshot_id: UNKNOWN, source_volid: UNKNOWN }, 'snapshot_id'],
    [{ size: 1, colour: 'red' }, 'colour'],
  ])('refuses %j naming what is wrong', async (fields, named) => {
    const answer = await create(fields);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(named);
  });

  it.each([
    ['snapshot_id', `Snapshot ${UNKNOWN} could not be found.`],
    ['source_volid', `Volume ${UNKNOWN} could not be found.`],
  ])('does not find an unknown %s', async (field, message) => {
    const answer = await create({ size: 1, [field]: UNKNOWN });
    expect(answer.json).toEqual({ itemNotFound: { code: 404, message } });
  });

  it('accepts a size in digits, display_name, and unknown keys below 3.53', async () => {
    const answer = await create({ size: '3', display_name: 'old', colour: 'red' }, { microversion: 52 });
    expect(answer.status).toBe(202);
    expect(answer.json.volume).toMatchObject({ size: 3, name: 'old' });
    expect((await create({ size: 1, colour: 'red' }, { microversion: 53 })).status).toBe(400);
  });

  it('refuses readers with 403, after a bad body with 400', async () => {
    expect((await create({ size: 0 }, { token: READER })).status).toBe(400);
    expect((await create({ size: 1 }, { token: READER })).json.forbidden.message).toContain('volume:create');
  });

  it('clones a volume with the size of its source', async () => {
    const source = await server.availableVolume({ size: 4 });
    const answer = await create({ source_volid: source });
    expect(answer.status).toBe(202);
    expect(answer.json.volume).toMatchObject({ size: 4, source_volid: source });
  });
});

describe('sending a create again', () => {
  it('with the same Idempotency-Key is the same volume', async () => {
    const headers = { 'Idempotency-Key': 'once' };
    const first = await create({ size: 1, name: 'one' }, { headers });
    const second = await create({ size: 1, name: 'one' }, { headers });
    expect(second.status).toBe(202);
    expect(second.json.volume.id).toBe(first.json.volume.id);
    const list = await server.get('/v3/demo/volumes?name=one');
    expect(list.json.volumes).toHaveLength(1);
  });

  it('with the same key but another body is refused with 409', async () => {
    const headers = { 'Idempotency-Key': 'twice' };
    await create({ size: 1 }, { headers });
    const answer = await create({ size: 2 }, { headers });
    expect(answer.status).toBe(409);
    expect(answer.json.conflictingRequest.message).toContain('Idempotency-Key');
  });

  it('in another project with the same key is another volume', async () => {
    const headers = { 'Idempotency-Key': 'shared' };
    const mine = await create({ size: 1 }, { headers });
    const theirs = await server.post('/v3/volumes', { volume: { size: 1 } }, { headers, token: 'root:other' });
    expect(theirs.status).toBe(202);
    expect(theirs.json.volume.id).not.toBe(mine.json.volume.id);
  });
});

describe('showing a volume', () => {
  it.each([
    [UNKNOWN, ADMIN],
    ['no-uuid-at-all', ADMIN],
  ])('answers 404 for %s', async (id, token) => {
    const answer = await server.get(`/v3/demo/volumes/${id}`, { token });
    expect(answer.json).toEqual({ itemNotFound: { code: 404, message: `Volume ${id} could not be found.` } });
  });

  it("answers 404 for another project's volume, but administrators see it", async () => {
    const id = await server.availableVolume();
    expect((await server.get(`/v3/other/volumes/${id}`, { token: STRANGER })).status).toBe(404);
    expect((await server.get(`/v3/other/volumes/${id}`, { token: 'root:other' })).status).toBe(200);
  });

  it('shows the place to administrators once there is one', async () => {
    const id = await server.availableVolume();
    const { volume } = (await server.get(`/v3/demo/volumes/${id}`)).json;
    expect(volume['os-vol-host-attr:host']).toBe('host@file#pool');
    expect(volume.status).toBe('available');
  });
});

describe('updating a volume', () => {
  it('changes what is named and replaces metadata', async () => {
    const id = await server.availableVolume({ name: 'a', description: 'b', metadata: { old: '1' } });
    const answer = await server.put(`/v3/demo/volumes/${id}`, {
      volume: { description: ' new ', metadata: { k: 'v' } },
    });
    expect(answer.status).toBe(200);
    expect(answer.json.volume).toMatchObject({ name: 'a', description: 'new', metadata: { k: 'v' } });
  });

  it('accepts nothing to change below 3.53 only', async () => {
    const id = await server.availableVolume();
    expect((await server.put(`/v3/demo/volumes/${id}`, { volume: {} }, { microversion: 52 })).status).toBe(200);
    expect((await server.put(`/v3/demo/volumes/${id}`, { volume: {} }, { microversion: 53 })).status).toBe(400);
  });

  it('looks for the volume before it looks at rights', async () => {
    const id = await server.availableVolume();
    const body = { volume: { name: 'x' } };
    expect((await server.put(`/v3/demo/volumes/${id}`, body, { token: READER })).status).toBe(403);
    expect((await server.put(`/v3/demo/volumes/${UNKNOWN}`, body, { token: READER })).status).toBe(404);
  });
});

describe('deleting a volume', () => {
  it('answers 202 without a body, and the volume is deleting', async () => {
    const id = await server.availableVolume();
    const answer = await server.delete(`/v3/demo/volumes/${id}`);
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect((await server.get(`/v3/demo/volumes/${id}`)).json.volume.status).toBe('deleting');
  });

  it('refuses a volume that is being created with 400', async () => {
    const { json } = await create({ size: 1 });
    const answer = await server.delete(`/v3/demo/volumes/${json.volume.id}`);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toMatch(/^Invalid volume: /);
  });

  it('reads force from 3.23 on, and only for administrators', async () => {
    const { json } = await create({ size: 1 });
    const path = `/v3/demo/volumes/${json.volume.id}?force=true`;
    expect((await server.delete(path, { microversion: 22 })).status).toBe(400);
    expect((await server.delete(path, { token: MEMBER })).json.forbidden.message).toContain('volume:force_delete');
    expect((await server.delete(path, { microversion: 23 })).status).toBe(202);
  });

  it.each(['cascade', 'force'])('refuses a %s that is no boolean', async (flag) => {
    const answer = await server.delete(`/v3/demo/volumes/${UNKNOWN}?${flag}=perhaps`);
    expect(answer.json.badRequest.message).toBe(`Value 'perhaps' for '${flag}' is not a boolean.`);
  });
});

describe('quota', () => {
  it('over the limit is 413 and leaves no volume', async () => {
    const limited = await startTestServer({ quota: { volumes: 1 } });
    try {
      expect((await limited.post('/v3/volumes', { volume: { size: 1 } })).status).toBe(202);
      const answer = await limited.post('/v3/volumes', { volume: { size: 1 } });
      expect(answer.status).toBe(413);
      expect(answer.json.overLimit.message).toBe(
        "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'.",
      );
      expect(answer.headers.get('Retry-After')).toBe('0');
      expect((await limited.get('/v3/volumes')).json.volumes).toHaveLength(1);
    } finally {
      await limited.close();
    }
  });
});

describe('a configured public endpoint', () => {
  it('is the base of every link', async () => {
    const published = await startTestServer({ publicEndpoint: 'https://cloud.example/block/' });
    try {
      const { json } = await published.post('/v3/demo/volumes', { volume: { size: 1 } });
      const { id, links } = json.volume;
      expect(links[0].href).toBe(`https://cloud.example/block/v3/demo/volumes/${id}`);
      const listed = await published.get('/v3/volumes?limit=1');
      expect(listed.json.volumes_links[0].href).toMatch(/^https:\/\/cloud\.example\/block\/v3\/volumes\?limit=1/);
      const versions = (await published.get('/v3/', { token: null })).json.versions;
      expect(versions[0].links[1].href).toBe('https://cloud.example/block/v3/');
    } finally {
      await published.close();
    }
  });
});

describe('refusals', () => {
  it('of a write by policy leave an audit fact; those of a read do not', async () => {
    const before = server.refusals.length;
    await server.delete(`/v3/demo/volumes/${await server.availableVolume()}`, { token: READER });
    await server.get('/v3/demo/volumes', { token: 'x:demo:guest' });
    const [refusal, ...more] = server.refusals.slice(before);
    expect(refusal).toMatchObject({ command: 'volumes-delete', rejection: { code: 'Forbidden' } });
    expect(more).toEqual([]);
  });
});
