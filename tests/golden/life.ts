type Json = Readonly<Record<string, unknown>>;

/** Drives a server through everything that leaves an event, once. */
export async function liveThroughEverything(url: string): Promise<void> {
  const send = async (method: string, path: string, body?: Json, project = 'demo'): Promise<Json> => {
    const answer = await fetch(`${url}/v3/${project}${path}`, {
      method,
      headers: {
        'x-auth-token': `admin:${project}`,
        'content-type': 'application/json',
        'openstack-api-version': 'volume 3.71',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, ...(text.startsWith('{') ? JSON.parse(text) : {}) };
  };
  const status = async (kind: 'volume' | 'snapshot', id: string, project?: string): Promise<unknown> => {
    const shown = await send('GET', `/${kind}s/${id}`, undefined, project);
    return shown.status === 404 ? 'gone' : (shown[kind] as Json).status;
  };
  const becomes = async (kind: 'volume' | 'snapshot', id: string, wanted: string, project?: string): Promise<void> => {
    for (let tries = 0; tries < 500; tries += 1) {
      if ((await status(kind, id, project)) === wanted) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${kind} ${id} never became ${wanted}: it is ${await status(kind, id, project)}`);
  };
  const create = async (volume: Json, wanted = 'available'): Promise<string> => {
    const answer = await send('POST', '/volumes', { volume });
    const { id } = answer.volume as { id: string };
    await becomes('volume', id, wanted);
    return id;
  };
  const snapshot = async (volumeId: string): Promise<string> => {
    const answer = await send('POST', '/snapshots', {
      snapshot: { volume_id: volumeId, name: 's', metadata: { a: 'b' } },
    });
    const { id } = answer.snapshot as { id: string };
    await becomes('snapshot', id, 'available');
    return id;
  };
  const act = (volumeId: string, action: Json): Promise<Json> => send('POST', `/volumes/${volumeId}/action`, action);

  const type = (
    await send('POST', '/types', { volume_type: { name: 'files', extra_specs: { volume_backend_name: 'file' } } })
  ).volume_type as { id: string };
  await send('PUT', `/types/${type.id}`, { volume_type: { description: 'on files' } });
  await send('PUT', '/default-types/demo', { default_type: { volume_type: 'files' } });
  await send('DELETE', '/default-types/demo');
  await send('PUT', '/os-quota-class-sets/default', { quota_class_set: { volumes: 20 } });
  await send('PUT', '/os-quota-sets/demo', { quota_set: { snapshots: 20 } });

  const volume = await create({ size: 1, name: 'one', metadata: { k: 'v' }, volume_type: 'files' });
  await send('PUT', `/volumes/${volume}`, { volume: { name: 'uno', description: 'd' } });
  await send('PUT', `/volumes/${volume}/metadata`, { metadata: { k2: 'v2' } });
  await act(volume, { 'os-set_image_metadata': { metadata: { os: 'linux' } } });
  await act(volume, { 'os-set_bootable': { bootable: true } });
  await act(volume, { 'os-update_readonly_flag': { readonly: false } });
  await act(volume, { 'os-extend': { new_size: 2 } });
  await becomes('volume', volume, 'available');

  await act(volume, { 'os-reserve': null });
  await act(volume, { 'os-unreserve': null });
  await act(volume, { 'os-reserve': null });
  await act(volume, {
    'os-attach': { instance_uuid: '95d9ef50-507b-11e5-a837-0800200c9a66', mountpoint: '/dev/vdb', mode: 'rw' },
  });
  await act(volume, { 'os-begin_detaching': null });
  await act(volume, { 'os-roll_detaching': null });
  await act(volume, { 'os-detach': {} });
  await becomes('volume', volume, 'available');

  const first = await snapshot(volume);
  await send('PUT', `/snapshots/${first}`, { snapshot: { name: 'renamed' } });
  await send('PUT', `/snapshots/${first}/metadata`, { metadata: { c: 'd' } });
  await send('POST', `/snapshots/${first}/action`, { 'os-reset_status': { status: 'error' } });
  await send('POST', `/snapshots/${first}/action`, { 'os-reset_status': { status: 'creating' } });
  await send('POST', `/snapshots/${first}/action`, {
    'os-update_snapshot_status': { status: 'available', progress: '80%' },
  });
  await create({ size: 3, snapshot_id: first, name: 'from snapshot' });
  const clone = await create({ size: 2, source_volid: volume, name: 'clone' });
  await act(volume, { revert: { snapshot_id: first } });
  await becomes('volume', volume, 'available');
  await send('DELETE', `/snapshots/${first}`);
  await becomes('snapshot', first, 'gone');
  await snapshot(volume);

  const offer = async (): Promise<{ id: string; auth_key: string }> =>
    (await send('POST', '/volume-transfers', { transfer: { volume_id: clone, name: 'gift' } })).transfer as {
      id: string;
      auth_key: string;
    };
  await send('DELETE', `/volume-transfers/${(await offer()).id}`);
  const gift = await offer();
  await send('POST', `/volume-transfers/${gift.id}/accept`, { accept: { auth_key: gift.auth_key } }, 'other');
  await send('DELETE', `/volumes/${clone}`, undefined, 'other');
  await becomes('volume', clone, 'gone', 'other');

  await send('POST', '/types', { volume_type: { name: 'nowhere', extra_specs: { volume_backend_name: 'nowhere' } } });
  const unplaced = await create({ size: 1, volume_type: 'nowhere' }, 'error');
  await act(unplaced, { 'os-reset_status': { status: 'available' } });
  await send('DELETE', `/volumes/${unplaced}?cascade=true`);
  await becomes('volume', unplaced, 'gone');
  const messages = (await send('GET', '/messages')).messages as readonly { id: string }[];
  for (const { id } of messages.slice(0, 1)) await send('DELETE', `/messages/${id}`);
  await send('DELETE', `/volumes/${volume}?cascade=true`);
  await becomes('volume', volume, 'gone');

  const service = { binary: 'cinder-volume', host: 'scoria@file' };
  await send('PUT', '/os-services/disable-log-reason', { ...service, disabled_reason: 'maintenance' });
  await send('PUT', '/os-services/enable', service);
  await send('PUT', '/os-services/freeze', { host: service.host });
  await send('PUT', '/os-services/thaw', { host: service.host });
  await send('DELETE', '/os-quota-sets/demo');
  await send('DELETE', `/volumes/${volume}`);
  await act(clone, { 'os-extend': { new_size: 1 } });
  await send('POST', '/volumes', { volume: { size: 100_000 } });
  // The refusals are noted off the answer's path.
  await new Promise((resolve) => setTimeout(resolve, 300));
}
