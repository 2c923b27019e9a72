import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, MEMBER, READER, STRANGER } from './http-client.ts';
import { fieldsOf, sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const QUOTA = {
  volumes: 10,
  snapshots: 10,
  gigabytes: 1000,
  backups: 10,
  backupGigabytes: 1000,
  groups: 10,
  perVolumeGigabytes: -1,
};

beforeAll(async () => {
  server = await startTestServer({ quota: QUOTA });
});
afterAll(() => server.close());

const set = (project: string, limits: object, options: object = {}) =>
  server.put(`/v3/demo/os-quota-sets/${project}`, { quota_set: limits }, options);
const show = async (project: string, query = '') =>
  (await server.get(`/v3/demo/os-quota-sets/${project}${query}`)).json.quota_set;

describe('showing a quota set', () => {
  it('has the limits of the configuration where nothing else was said, as the sample', async () => {
    const documented = sample('quota_sets/quotas-show-response.json').quota_set as object;
    expect(await show('fake_tenant')).toEqual(documented);
    expect(await show('fake_tenant', '/defaults')).toEqual(documented);
    expect(await show('fake_tenant', '?usage=True')).toEqual(
      sample('quota_sets/quotas-show-usage-response.json').quota_set,
    );
  });

  it('has three resources for each type, named by it, private ones too', async () => {
    const type = { name: 'gold', 'os-volume-type-access:is_public': false };
    const { id } = (await server.post('/v3/types', { volume_type: type })).json.volume_type;
    await set('p-types', { volumes_gold: 3 });
    expect(await show('p-types')).toMatchObject({ volumes_gold: 3, gigabytes_gold: -1, snapshots_gold: -1 });
    await server.put(`/v3/types/${id}`, { volume_type: { name: 'silver' } });
    const renamed = await show('p-types');
    expect(renamed).toMatchObject({ volumes_silver: 3 });
    expect(renamed).not.toHaveProperty('volumes_gold');
    await server.delete(`/v3/types/${id}`);
    expect(await show('p-types')).not.toHaveProperty('volumes_silver');
  });

  it('counts what is in use, per type too, and what an extension reserves', async () => {
    const token = 'ann:users:member';
    const id = await server.availableVolume({ size: 5 }, token);
    expect(await show('users', '?usage=true')).toMatchObject({
      volumes: { limit: 10, in_use: 1, reserved: 0 },
      gigabytes: { limit: 1000, in_use: 5, reserved: 0 },
      gigabytes___DEFAULT__: { limit: -1, in_use: 5, reserved: 0 },
      per_volume_gigabytes: { limit: -1, in_use: 0, reserved: 0 },
    });
    await server.post(`/v3/volumes/${id}/action`, { 'os-extend': { new_size: 8 } }, { token });
    expect(await show('users', '?usage=true')).toMatchObject({ gigabytes: { in_use: 5, reserved: 3 } });
  });

  it('is for administrators and the project’s own readers; another’s is a 403', async () => {
    const statusOf = async (token: string, path = '') =>
      (await server.get(`/v3/os-quota-sets/demo${path}`, { token })).status;
    for (const path of ['', '?usage=true', '/defaults']) {
      expect(await statusOf(ADMIN, path)).toBe(200);
      expect(await statusOf(READER, path)).toBe(200);
      expect(await statusOf(STRANGER, path)).toBe(403);
    }
  });

  it('refuses a usage that is no boolean', async () => {
    const answer = await server.get('/v3/os-quota-sets/demo?usage=maybe');
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toBe("Value 'maybe' for 'usage' is not a boolean.");
  });
});

describe('setting limits', () => {
  it('changes those that are named and answers all of them without an id', async () => {
    const answer = await set('p1', { groups: 11, volumes: 5, backups: '4', tenant_id: 'p1', id: 'p1' });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(sample('quota_sets/quotas-update-response.json'));
    expect(fieldsOf(answer.json.quota_set)).not.toContain('id');
    expect(await show('p1')).toMatchObject({ id: 'p1', groups: 11, volumes: 5, backups: 4, snapshots: 10 });
    expect(await show('p1', '/defaults')).toMatchObject({ volumes: 10 });
  });

  it('is felt by the next request: one over the limit is 413', async () => {
    await set('small', { volumes: 1 });
    const token = 'ann:small:member';
    const ask = () => server.post('/v3/volumes', { volume: { size: 1 } }, { token });
    expect((await ask()).status).toBe(202);
    const over = await ask();
    expect(over.status).toBe(413);
    expect(over.headers.get('Retry-After')).toBe('0');
    await set('small', { volumes: -1 });
    expect((await ask()).status).toBe(202);
  });

  it('may go below what is used the first time, and not from then on', async () => {
    const token = 'ann:used:member';
    for (let count = 0; count < 3; count += 1) await server.post('/v3/volumes', { volume: { size: 1 } }, { token });
    expect((await set('used', { volumes: 2 })).status).toBe(200);
    const refused = await set('used', { volumes: 1 });
    expect(refused.status).toBe(400);
    expect(refused.json.badRequest.message).toContain('Current usage is 3');
    expect((await set('used', { volumes: -1 })).status).toBe(200);
  });

  it.each([
    ['a key that is no resource', { bottles: 1, jars: 2 }, 'Bad key(s) in quota set: bottles, jars'],
    ['a type that is not there', { volumes_nosuch: 1 }, 'volumes_nosuch'],
    ['skip_validation', { volumes: 1, skip_validation: true }, 'skip_validation'],
    ['a word', { volumes: 'many' }, 'volumes must be an integer'],
    ['a fraction', { volumes: 1.5 }, 'volumes must be an integer'],
    ['null', { volumes: null }, 'volumes must be an integer'],
    ['less than unlimited', { volumes: -2 }, 'volumes must be >= -1'],
    ['more than a number can be', { volumes: 2_147_483_648 }, 'volumes must be <= 2147483647'],
    ['nothing', {}, 'quota_set'],
  ])('refuses %s with 400, whoever asks', async (_what, limits, reason) => {
    for (const token of [ADMIN, MEMBER]) {
      const answer = await set('p2', limits, { token });
      expect(answer.status).toBe(400);
      expect(answer.json.badRequest.message).toContain(reason);
    }
    expect(await show('p2')).toMatchObject({ volumes: 10 });
  });

  it('refuses a body without the envelope, and a name that is too long', async () => {
    const bare = await server.put('/v3/os-quota-sets/p2', { volumes: 1 });
    expect(bare.json.badRequest.message).toContain('quota_set');
    expect((await set('p'.repeat(256), { volumes: 1 })).status).toBe(400);
  });

  it('is for administrators, and so is dropping limits', async () => {
    expect((await set('demo', { volumes: 1 }, { token: MEMBER })).status).toBe(403);
    expect((await server.delete('/v3/os-quota-sets/demo', { token: MEMBER })).status).toBe(403);
  });
});

it('dropping a project’s limits brings the defaults back and leaves usage alone', async () => {
  await server.post('/v3/volumes', { volume: { size: 2 } }, { token: 'ann:dropped:member' });
  await set('dropped', { volumes: 3, gigabytes: 50 });
  const answer = await server.delete('/v3/demo/os-quota-sets/dropped');
  expect([answer.status, answer.text]).toEqual([200, '']);
  expect(await show('dropped', '?usage=true')).toMatchObject({
    volumes: { limit: 10, in_use: 1 },
    gigabytes: { limit: 1000, in_use: 2 },
  });
});
