import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { volumeAggregate, volumeStream } from '../../src/commands/streams.ts';
import { MESSAGE_LIFE_MS } from '../../src/projections/messages.ts';
import { MEMBER, READER, STRANGER } from './http-client.ts';
import { fieldsOf, sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** A volume whose creation failed; its project gets a message. */
async function failedVolume(code = 'NoValidBackend', message = 'host@file#pool: too small'): Promise<string> {
  const { json } = await server.post('/v3/volumes', { volume: { size: 1 } }, { token: MEMBER });
  const volumeId: string = json.volume.id;
  const { state } = await server.handler.load(volumeAggregate, volumeStream(volumeId));
  const operationId = state.volume?.owner?.operationId ?? '';
  await server.send(volumeId, { type: 'FailVolumeCreation', operationId, reason: { code, message } });
  return volumeId;
}

// biome-ignore lint/suspicious/noExplicitAny: rows of texts
const list = async (query = '', options: object = {}): Promise<readonly any[]> =>
  (await server.get(`/v3/demo/messages${query}`, { token: MEMBER, ...options })).json.messages;
const ofVolume = async (volumeId: string) => (await list(`?resource_uuid=${volumeId}`))[0];

describe('listing messages', () => {
  it('tells a project why its request failed, with the fields of the sample', async () => {
    const volumeId = await failedVolume();
    const [message] = await list('', { token: READER });
    expect(fieldsOf(message)).toEqual(fieldsOf(sample('messages-list-response.json').messages));
    expect(message).toMatchObject({
      event_id: 'VOLUME_VOLUME_001_003',
      message_level: 'ERROR',
      resource_type: 'VOLUME',
      resource_uuid: volumeId,
      user_message: 'schedule allocate volume:Could not find any available weighted backend. host@file#pool: too small',
    });
    expect(message.created_at).toMatch(TIME);
    expect(Date.parse(`${message.guaranteed_until}Z`) - Date.parse(`${message.created_at}Z`)).toBe(MESSAGE_LIFE_MS);
    expect(message.links[0].href).toBe(`${server.url}/v3/demo/messages/${message.id}`);
  });

  it('does not tell users what a driver says', async () => {
    const message = await ofVolume(await failedVolume('DriverFailed', '/srv/secret: no such directory'));
    expect(message.user_message).toBe('create volume from backend storage:Driver failed to create the volume.');
  });

  it('is the project’s own, and everybody’s for administrators who ask', async () => {
    await failedVolume();
    const others = await server.get('/v3/messages', { token: STRANGER });
    expect(others.json.messages).toEqual([]);
    const admins = await server.get('/v3/messages?all_tenants=1', { token: 'root:elsewhere' });
    expect(admins.json.messages.length).toBeGreaterThan(0);
    expect((await server.get('/v3/messages', { token: 'root:elsewhere' })).json.messages).toEqual([]);
  });

  it('filters, sorts and pages from 3.5 on, and ignores its query below', async () => {
    const first = await failedVolume();
    await failedVolume('DriverFailed');
    expect(await list(`?resource_uuid=${first}`)).toHaveLength(1);
    expect((await list(`?resource_uuid=${first}`, { microversion: 4 })).length).toBeGreaterThan(1);
    expect((await list('?limit=1&colour=red', { microversion: 4 })).length).toBeGreaterThan(1);
    const placed = await list('?event_id=VOLUME_VOLUME_001_003&message_level=ERROR&resource_type=VOLUME');
    expect(placed.length).toBeGreaterThan(0);
    expect(placed.every((message) => message.event_id === 'VOLUME_VOLUME_001_003')).toBe(true);
    const all = (await list('?sort=created_at:asc')).map(({ id }) => id);
    const seen: string[] = [];
    let path = '/v3/demo/messages?sort=created_at:asc&limit=2';
    while (path !== '') {
      const { json } = await server.get(path, { token: MEMBER });
      seen.push(...json.messages.map(({ id }: { id: string }) => id));
      const [next] = json.messages_links ?? [];
      path = next === undefined ? '' : next.href.slice(server.url.length);
    }
    expect(seen).toEqual(all);
    expect((await server.get(`/v3/messages?marker=${UNKNOWN}`)).status).toBe(404);
    expect((await server.get('/v3/messages?limit=-1')).status).toBe(400);
    expect((await server.get('/v3/messages?limit=-1', { microversion: 4 })).status).toBe(200);
  });

  it('refuses users’ unknown filters from 3.31 on, drops them below; administrators’ match nothing', async () => {
    await failedVolume();
    const refused = await server.get('/v3/messages?colour=red', { token: MEMBER });
    expect(refused.json.badRequest.message).toBe('Invalid filters colour are found in query options.');
    expect((await list('?colour=red', { microversion: 30 })).length).toBeGreaterThan(0);
    expect((await server.get('/v3/messages?colour=red')).json.messages).toEqual([]);
    const [{ request_id: requestId }] = await list();
    expect(await list(`?request_id=${requestId}`)).toHaveLength(1);
  });
});

describe('one message', () => {
  it('is shown as the sample', async () => {
    const { id } = await ofVolume(await failedVolume());
    const answer = await server.get(`/v3/demo/messages/${id}`, { token: READER });
    expect(fieldsOf(answer.json.message)).toEqual(fieldsOf(sample('messages-show-response.json').message));
    expect(answer.json.message.id).toBe(id);
  });

  it('is not found by strangers, nor where there is none', async () => {
    const { id } = await ofVolume(await failedVolume());
    for (const [path, token] of [
      [id, STRANGER],
      [UNKNOWN, MEMBER],
    ] as const) {
      const answer = await server.get(`/v3/messages/${path}`, { token });
      expect(answer.json.itemNotFound.message).toBe(`Message ${path} could not be found.`);
      expect((await server.delete(`/v3/messages/${path}`, { token })).status).toBe(404);
    }
    expect((await server.get(`/v3/messages/${id}`, { token: 'root:elsewhere' })).status).toBe(200);
  });

  it('is put away by members of the project', async () => {
    const { id } = await ofVolume(await failedVolume());
    expect((await server.delete(`/v3/messages/${id}`, { token: READER })).status).toBe(403);
    const deleted = await server.delete(`/v3/messages/${id}`, { token: MEMBER });
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect((await server.get(`/v3/messages/${id}`, { token: MEMBER })).status).toBe(404);
    expect((await list()).some((message) => message.id === id)).toBe(false);
  });

  it('is there from 3.3 on', async () => {
    const { id } = await ofVolume(await failedVolume());
    for (const path of ['/v3/messages', `/v3/messages/${id}`]) {
      expect((await server.get(path, { microversion: 2 })).json.itemNotFound).toBeDefined();
      expect((await server.get(path, { microversion: 3 })).status).toBe(200);
    }
  });
});

it('messages are gone once their time is over', async () => {
  const { id } = await ofVolume(await failedVolume());
  server.pass(MESSAGE_LIFE_MS + 1_000);
  expect(await list()).toEqual([]);
  expect((await server.get(`/v3/messages/${id}`, { token: MEMBER })).status).toBe(404);
  expect((await server.delete(`/v3/messages/${id}`, { token: MEMBER })).status).toBe(404);
});
