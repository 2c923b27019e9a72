import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, MEMBER, READER, STRANGER } from './http-client.ts';
import { fieldsOf, sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const GENERATIONS = ['volume-transfers', 'os-volume-transfer'] as const;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function offer(generation: string, fields: object = {}, options: object = {}): Promise<Answer> {
  const volume_id = await server.availableVolume();
  return server.post(`/v3/demo/${generation}`, { transfer: { volume_id, name: 'gift', ...fields } }, options);
}

describe.each(GENERATIONS)('%s', (generation) => {
  it('offers a volume, shows the key once, and the volume waits', async () => {
    const answer = await offer(generation);
    expect(answer.status).toBe(202);
    const { transfer } = answer.json;
    expect(transfer).toMatchObject({ name: 'gift', accepted: false, source_project_id: 'demo', no_snapshots: false });
    expect(transfer.auth_key).toMatch(/^[0-9a-f]{16}$/);
    expect(transfer.links[0].href).toBe(`${server.url}/v3/demo/os-volume-transfer/${transfer.id}`);
    const shown = await server.get(`/v3/demo/${generation}/${transfer.id}`);
    expect(shown.json.transfer).toMatchObject({ id: transfer.id, created_at: transfer.created_at });
    expect(shown.json.transfer).not.toHaveProperty('auth_key');
    expect((await server.get(`/v3/volumes/${transfer.volume_id}`)).json.volume.status).toBe('awaiting-transfer');
  });

  it('moves the volume to whoever shows the key', async () => {
    const { transfer } = (await offer(generation)).json;
    const path = `/v3/other/${generation}/${transfer.id}/accept`;
    const wrong = await server.post(path, { accept: { auth_key: 'ffffffffffffffff' } }, { token: STRANGER });
    expect(wrong.status).toBe(400);
    expect(wrong.json.badRequest.message).toMatch(/^Invalid auth key: /);
    const answer = await server.post(path, { accept: { auth_key: transfer.auth_key } }, { token: STRANGER });
    expect(answer.status).toBe(202);
    const accepted = sample('volume_transfer/volume-transfer-accept-response.json').transfer;
    expect(fieldsOf(answer.json.transfer)).toEqual(fieldsOf(accepted));
    const { volume } = (await server.get(`/v3/volumes/${transfer.volume_id}`, { token: STRANGER })).json;
    expect(volume).toMatchObject({ status: 'available', user_id: 'sam' });
    expect((await server.get(`/v3/volumes/${transfer.volume_id}`, { token: MEMBER })).status).toBe(404);
    expect((await server.get(`/v3/${generation}/${transfer.id}`)).status).toBe(404);
  });

  it('is withdrawn by its donor', async () => {
    const { transfer } = (await offer(generation)).json;
    expect((await server.delete(`/v3/demo/${generation}/${transfer.id}`, { token: READER })).status).toBe(403);
    const answer = await server.delete(`/v3/demo/${generation}/${transfer.id}`);
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect((await server.get(`/v3/volumes/${transfer.volume_id}`)).json.volume.status).toBe('available');
  });

  it('is hidden from others, who may only accept it', async () => {
    const { transfer } = (await offer(generation)).json;
    expect((await server.get(`/v3/${generation}/${transfer.id}`, { token: STRANGER })).status).toBe(404);
    expect((await server.delete(`/v3/${generation}/${transfer.id}`, { token: STRANGER })).status).toBe(404);
    expect((await server.get(`/v3/${generation}/detail`, { token: STRANGER })).json).toEqual({ transfers: [] });
  });

  it.each([
    [{ volume_id: 'x' }, 'volume_id'],
    [{ name: ' ' }, 'name'],
    [{ name: 'x'.repeat(256) }, 'name'],
    [{ colour: 'red' }, 'colour'],
  ])('refuses to offer %j', async (fields, named) => {
    const answer = await offer(generation, fields);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(named);
  });

  it.each([[{}], [{ auth_key: null }], [{ auth_key: 'a', more: 1 }]])('refuses to accept with %j', async (accept) => {
    const answer = await server.post(`/v3/${generation}/${UNKNOWN}/accept`, { accept });
    expect(answer.status).toBe(400);
  });

  it('does not find what is not there', async () => {
    const message = `Transfer ${UNKNOWN} could not be found.`;
    const accept = await server.post(`/v3/${generation}/${UNKNOWN}/accept`, { accept: { auth_key: 'a' } });
    expect(accept.json).toEqual({ itemNotFound: { code: 404, message } });
    expect((await server.get(`/v3/${generation}/${UNKNOWN}`)).json).toEqual({ itemNotFound: { code: 404, message } });
  });
});

describe('fields by microversion', () => {
  it.each([
    [0, 'volume_transfer/volume-transfer-'],
    [55, 'volume_transfers/v3.55/volume-transfers-'],
    [57, 'volume_transfers/v3.57/volume-transfers-'],
  ])('at 3.%d are those of the sample', async (microversion, prefix) => {
    const created = await offer('volume-transfers', {}, { microversion });
    expect(fieldsOf(created.json.transfer)).toEqual(fieldsOf(sample(`${prefix}create-response.json`).transfer));
    const shown = await server.get(`/v3/volume-transfers/${created.json.transfer.id}`, { microversion });
    expect(fieldsOf(shown.json.transfer)).toEqual(fieldsOf(sample(`${prefix}show-response.json`).transfer));
  });

  it('of a brief list are those of the sample', async () => {
    await offer('volume-transfers');
    const { json } = await server.get('/v3/volume-transfers');
    const listed = sample('volume_transfer/volume-transfers-list-response.json').transfers;
    expect(fieldsOf(json.transfers)).toEqual(fieldsOf(listed));
  });

  it('no_snapshots is taken from 3.55 on, and never at the old name', async () => {
    expect((await offer('volume-transfers', { no_snapshots: true })).json.transfer.no_snapshots).toBe(true);
    expect((await offer('volume-transfers', { no_snapshots: true }, { microversion: 54 })).status).toBe(400);
    expect((await offer('os-volume-transfer', { no_snapshots: true })).status).toBe(400);
  });
});

describe('lists of transfers', () => {
  const donor = 'root:lister';
  const made: string[] = [];

  beforeAll(async () => {
    for (const name of ['one', 'two', 'three']) {
      const volume_id = await server.availableVolume({}, donor);
      const { json } = await server.post('/v3/volume-transfers', { transfer: { volume_id, name } }, { token: donor });
      made.push(json.transfer.id);
      server.pass(1_000);
    }
  });

  const ids = async (path: string, microversion = 71): Promise<readonly string[]> => {
    const { json } = await server.get(`/v3/${path}`, { token: donor, microversion });
    return json.transfers.map(({ id }: { id: string }) => id);
  };

  it('are oldest first below 3.59 and at the old name, newest first otherwise', async () => {
    expect(await ids('volume-transfers', 58)).toEqual(made);
    expect(await ids('os-volume-transfer')).toEqual(made);
    expect(await ids('volume-transfers')).toEqual(made.toReversed());
  });

  it('take a limit for a column that nothing has, below 3.59 and at the old name', async () => {
    expect(await ids('volume-transfers?limit=1', 58)).toEqual([]);
    expect(await ids('os-volume-transfer?limit=1')).toEqual([]);
    expect(await ids('volume-transfers?colour=red')).toEqual([]);
  });

  it('filter by name', async () => {
    expect(await ids('os-volume-transfer?name=two')).toEqual([made[1]]);
    expect(await ids('volume-transfers/detail?name=two')).toEqual([made[1]]);
  });

  it('are paged from 3.59 by links under the old name', async () => {
    const seen: string[] = [];
    let path: string | undefined = '/v3/volume-transfers?limit=1';
    while (path !== undefined) {
      const { json } = await server.get(path, { token: donor });
      seen.push(...json.transfers.map(({ id }: { id: string }) => id));
      const href: string | undefined = json.transfers_links?.[0].href;
      if (href !== undefined) expect(href).toContain('/v3/os-volume-transfer?limit=1&marker=');
      path = href?.slice(server.url.length);
    }
    expect(seen).toEqual(made.toReversed());
  });

  it('sort by display_name but not by name', async () => {
    expect(await ids('volume-transfers?sort=display_name:asc')).toEqual([made[0], made[2], made[1]]);
    expect((await server.get('/v3/volume-transfers?sort=name', { token: donor })).status).toBe(400);
  });
});

describe('quota of the receiver', () => {
  it('over the limit is 413 without the name of a class, and nothing moves', async () => {
    const limited = await startTestServer({ quota: { volumes: 1 } });
    try {
      const id = await limited.availableVolume();
      await limited.availableVolume({}, 'root:other');
      const { json } = await limited.post('/v3/volume-transfers', { transfer: { volume_id: id } });
      const path = `/v3/volume-transfers/${json.transfer.id}/accept`;
      const answer = await limited.post(
        path,
        { accept: { auth_key: json.transfer.auth_key } },
        { token: 'root:other' },
      );
      expect(answer.status).toBe(413);
      expect(answer.json.overLimit.message).toMatch(/^Maximum number of volumes allowed \(1\) exceeded/);
      expect((await limited.get(`/v3/demo/volumes/${id}`)).json.volume.status).toBe('awaiting-transfer');
    } finally {
      await limited.close();
    }
  });
});
