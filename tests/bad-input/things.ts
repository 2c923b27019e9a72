import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type BadRequest, createSender, headersWith } from './bad-request.ts';

/** What is there while requests come that must not change it. */
export interface Things {
  /** Available, with one snapshot. */
  readonly volumeId: string;
  readonly snapshotId: string;
  readonly attachedVolumeId: string;
  readonly offeredVolumeId: string;
  readonly transferId: string;
  readonly typeId: string;
  readonly messageId: string;
  readonly operationId: string;
}

const REST_WITHIN_MS = 20_000;

/** Makes everything that paths and bodies name, through the API, and waits until it is there. */
export async function makeThings(url: string): Promise<Things> {
  const sender = createSender(url, 1);
  // biome-ignore lint/suspicious/noExplicitAny: bodies of any shape
  const ask = async (method: string, path: string, body?: unknown): Promise<any> => {
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const request: BadRequest = {
      what: path,
      method,
      path: `/v3/demo${path}`,
      headers: headersWith(),
      expect: 'odd',
      ...text,
    };
    const answer: Answer = await sender.send(request);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.text === '' ? undefined : JSON.parse(answer.text);
  };
  const until = async (path: string, key: string, status: string): Promise<void> => {
    const deadline = performance.now() + REST_WITHIN_MS;
    while ((await ask('GET', path))[key].status !== status) {
      if (performance.now() > deadline) throw new Error(`${path} did not become ${status}`);
      await sleep(20);
    }
  };
  const volume = async (status: string, fields: object = {}): Promise<string> => {
    const { id } = (await ask('POST', '/volumes', { volume: { size: 1, ...fields } })).volume;
    await until(`/volumes/${id}`, 'volume', status);
    return id;
  };
  try {
    const typeId = (await ask('POST', '/types', { volume_type: { name: 'spare', extra_specs: { key: 'value' } } }))
      .volume_type.id;
    const volumeId = await volume('available', { name: 'plain', metadata: { key: 'value' } });
    const snapshot = (
      await ask('POST', '/snapshots', { snapshot: { volume_id: volumeId, metadata: { key: 'value' } } })
    ).snapshot;
    await until(`/snapshots/${snapshot.id}`, 'snapshot', 'available');
    const attachedVolumeId = await volume('available');
    const attach = { instance_uuid: crypto.randomUUID(), mountpoint: '/dev/vdb' };
    await ask('POST', `/volumes/${attachedVolumeId}/action`, { 'os-attach': attach });
    const offeredVolumeId = await volume('available');
    const offer = (await ask('POST', '/volume-transfers', { transfer: { volume_id: offeredVolumeId, name: 'offer' } }))
      .transfer;
    await volume('error', { size: 2_000_000_000 });
    const messageId = (await ask('GET', '/messages')).messages[0].id;
    const operationId = (await ask('GET', '/operations')).operations[0].id;
    return {
      volumeId,
      snapshotId: snapshot.id,
      attachedVolumeId,
      offeredVolumeId,
      transferId: offer.id,
      typeId,
      messageId,
      operationId,
    };
  } finally {
    sender.close();
  }
}
