import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN, MEMBER } from './http-client.ts';
import { sample } from './samples.ts';
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

const set = (name: string, limits: object, options: object = {}) =>
  server.put(`/v3/demo/os-quota-class-sets/${name}`, { quota_class_set: limits }, options);

it('a class that was never set shows the defaults, as the sample', async () => {
  const answer = await server.get('/v3/demo/os-quota-class-sets/test_class');
  expect(answer.json).toEqual(sample('quota_classes/quota-classes-show-response.json'));
});

it('setting limits answers all of them without an id', async () => {
  const answer = await set('test_class', { volumes: 10, gigabytes: 1000, snapshots: '10' });
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual(sample('quota_classes/quota-classes-update-response.json'));
});

it('the class named default holds the defaults of every project, below its own limits', async () => {
  await server.put('/v3/os-quota-sets/own', { quota_set: { volumes: 7 } });
  await set('default', { volumes: 4, volumes___DEFAULT__: 2 });
  const limitsOf = async (project: string) => (await server.get(`/v3/os-quota-sets/${project}`)).json.quota_set;
  expect(await limitsOf('any')).toMatchObject({ volumes: 4, volumes___DEFAULT__: 2 });
  expect(await limitsOf('own')).toMatchObject({ volumes: 7 });
  expect((await server.get('/v3/os-quota-sets/own/defaults')).json.quota_set).toMatchObject({ volumes: 4 });
  expect((await server.get('/v3/os-quota-class-sets/other')).json.quota_class_set).toMatchObject({
    id: 'other',
    volumes: 4,
  });
  const token = 'ann:any:member';
  const statuses: number[] = [];
  for (let count = 0; count < 3; count += 1) {
    statuses.push((await server.post('/v3/volumes', { volume: { size: 1 } }, { token })).status);
  }
  expect(statuses).toEqual([202, 202, 413]);
  await set('default', { volumes: 10, volumes___DEFAULT__: -1 });
});

it.each([
  ['a key that is no resource', { bottles: 1 }, 'Bad key(s) in quota class set: bottles'],
  ['a key of other letters', { 'volumes/a': 1 }, 'volumes/a'],
  ['a word', { volumes: 'many' }, 'volumes'],
  ['a negative number as text', { volumes: '-1' }, 'volumes'],
  ['a fraction', { volumes: 1.5 }, 'volumes'],
  ['less than unlimited', { volumes: -2 }, 'volumes'],
  ['null', { volumes: null }, 'volumes'],
])('%s is refused with 400, whoever asks', async (_what, limits, reason) => {
  for (const token of [ADMIN, MEMBER]) {
    const answer = await set('default', limits, { token });
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(reason);
  }
});

it('classes are for administrators, and their names have a length', async () => {
  expect((await server.get('/v3/os-quota-class-sets/default', { token: MEMBER })).status).toBe(403);
  expect((await set('default', { volumes: 1 }, { token: MEMBER })).status).toBe(403);
  expect((await set('c'.repeat(256), { volumes: 1 })).status).toBe(400);
  expect((await server.put('/v3/os-quota-class-sets/default', { volumes: 1 })).status).toBe(400);
});
