import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deriveId, operationIdOf } from '../../src/domain/kernel/ids.ts';
import { type Answer, MEMBER } from './http-client.ts';
import { startTestServer, type TestServer } from './server.ts';

/** What was done under an Idempotency-Key is answered again, also when it is what made its target go. */
let server: TestServer;
let keys = 0;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const newKey = (): Readonly<Record<string, string>> => {
  keys += 1;
  return { 'Idempotency-Key': `key-${keys}` };
};

const operationOf = (project: string, headers: Readonly<Record<string, string>>): string =>
  operationIdOf(deriveId(project, headers['Idempotency-Key'] ?? ''));

/** The volume of a deletion that was asked for under a key is gone for good. */
const volumeGone = (volumeId: string, headers: Readonly<Record<string, string>>): Promise<void> =>
  server.send(volumeId, { type: 'CompleteVolumeDeletion', operationId: operationOf('demo', headers) });

const expectSame = (second: Answer, first: Answer): void => {
  expect({ status: second.status, text: second.text }).toEqual({ status: first.status, text: first.text });
  expect(second.status).toBeLessThan(300);
};

describe('a request sent again under its Idempotency-Key answers as the first time', () => {
  it('when it deleted the volume', async () => {
    const headers = newKey();
    const id = await server.availableVolume();
    const first = await server.delete(`/v3/demo/volumes/${id}`, { headers });
    await volumeGone(id, headers);
    expect((await server.get(`/v3/demo/volumes/${id}`)).status).toBe(404);
    expectSame(await server.delete(`/v3/demo/volumes/${id}`, { headers }), first);
    expect((await server.delete(`/v3/demo/volumes/${id}`)).status).toBe(404);
  });

  it('when it created a volume that is gone since', async () => {
    const [creation, deletion] = [newKey(), newKey()];
    const body = { volume: { size: 2, name: 'short-lived' } };
    const first = await server.post('/v3/demo/volumes', body, { headers: creation });
    const { id } = first.json.volume;
    await server.finishCreation(id);
    await server.delete(`/v3/demo/volumes/${id}`, { headers: deletion });
    await volumeGone(id, deletion);
    expectSame(await server.post('/v3/demo/volumes', body, { headers: creation }), first);
  });

  it('when it deleted the snapshot, and when it made it', async () => {
    const [creation, deletion] = [newKey(), newKey()];
    const volumeId = await server.availableVolume();
    const body = { snapshot: { volume_id: volumeId, name: 's' } };
    const made = await server.post('/v3/demo/snapshots', body, { headers: creation });
    const { id: snapshotId } = made.json.snapshot;
    await server.finishSnapshot(volumeId, snapshotId);
    const path = `/v3/demo/snapshots/${snapshotId}`;
    const gone = await server.delete(path, { headers: deletion });
    const operationId = operationOf('demo', deletion);
    await server.send(volumeId, { type: 'CompleteSnapshotDeletion', snapshotId, operationId });
    expectSame(await server.delete(path, { headers: deletion }), gone);
    expect((await server.post('/v3/demo/snapshots', body, { headers: creation })).json.snapshot.id).toBe(snapshotId);
  });

  it('when it accepted, and when it withdrew a transfer', async () => {
    const [acceptance, withdrawal] = [newKey(), newKey()];
    const offer = async () => {
      const volumeId = await server.availableVolume();
      return (await server.post('/v3/demo/volume-transfers', { transfer: { volume_id: volumeId, name: 't' } })).json
        .transfer;
    };
    const accepted = await offer();
    const accept = () =>
      server.post(
        `/v3/other/volume-transfers/${accepted.id}/accept`,
        { accept: { auth_key: accepted.auth_key } },
        { token: 'sam:other', headers: acceptance },
      );
    const first = await accept();
    expect(first.json.transfer).toMatchObject({ id: accepted.id, name: 't', volume_id: accepted.volume_id });
    expectSame(await accept(), first);
    const withdrawn = await offer();
    const withdraw = () => server.delete(`/v3/demo/volume-transfers/${withdrawn.id}`, { headers: withdrawal });
    expectSame(await withdraw(), await withdraw());
  });

  it('when the volume it acted on is gone since', async () => {
    const [extension, deletion] = [newKey(), newKey()];
    const id = await server.availableVolume();
    const extend = () =>
      server.post(`/v3/demo/volumes/${id}/action`, { 'os-extend': { new_size: 3 } }, { headers: extension });
    const first = await extend();
    await server.send(id, { type: 'CompleteVolumeExtension', operationId: operationOf('demo', extension) });
    await server.delete(`/v3/demo/volumes/${id}`, { headers: deletion });
    await volumeGone(id, deletion);
    expectSame(await extend(), first);
  });
});

describe('an Idempotency-Key', () => {
  it('that did one thing does no other, on whatever that would be', async () => {
    const headers = newKey();
    const [one, other] = [await server.availableVolume(), await server.availableVolume()];
    expect((await server.delete(`/v3/demo/volumes/${one}`, { headers })).status).toBe(202);
    expect((await server.delete(`/v3/demo/volumes/${other}`, { headers })).status).toBe(409);
    expect((await server.get(`/v3/demo/volumes/${other}`)).json.volume.status).toBe('available');
  });

  it('does not lend the rights of who used it first', async () => {
    const headers = newKey();
    const id = await server.availableVolume();
    const reset = { 'os-reset_status': { status: 'error' } };
    expect((await server.post(`/v3/demo/volumes/${id}/action`, reset, { headers })).status).toBe(202);
    const again = await server.post(`/v3/demo/volumes/${id}/action`, reset, { headers, token: MEMBER });
    expect(again.status).toBe(403);
  });
});
