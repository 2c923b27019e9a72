import { type BadRequest, headersWith } from './bad-request.ts';
import { INHERITED } from './odd-values.ts';
import type { Things } from './things.ts';

/** What the contract says of single fields and queries, whatever our schemas say (contract/errors.md §5 and §6, quota.md §3). */
export const byHand = (things: Things): readonly BadRequest[] => [
  ...createFields(things),
  ...actionFields(things),
  ...metadataFields(things),
  ...otherFields(things),
  ...queries(things),
  ...paths(),
  ...duplicates(things),
  ...inheritedNames(things),
];

const MANY = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`k${n}`, 1]));

type Value = readonly [field: string, value: unknown, naming?: string];

const malformed = (what: string, method: string, path: string, body: unknown, naming: string): BadRequest => ({
  what,
  method,
  path: `/v3/demo${path}`,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  expect: 'malformed',
  statuses: [400],
  naming,
});

function createFields({ volumeId, snapshotId }: Things): readonly BadRequest[] {
  const sizes = [0, -1, 2_147_483_648, 1.5, true, '0', '-1', '1.0', '0x1', ' 1', '1e1', [], {}, ''];
  const values: readonly Value[] = [
    ...sizes.map((size): Value => ['size', size]),
    ['name', 'x'.repeat(256)],
    ['name', 5],
    ['description', 'x'.repeat(256)],
    ['description', { a: 'b' }],
    ['metadata', { ['k'.repeat(256)]: 'v' }, 'k'],
    ['metadata', { k: 'v'.repeat(256) }, 'k'],
    ['metadata', { 'k!': 'v' }, 'k!'],
    ['metadata', { '': 'v' }],
    ['metadata', { k: 5 }, 'k'],
    ['metadata', { k: null }, 'k'],
    ['metadata', { k: { deep: 1 } }, 'k'],
    ['metadata', MANY, 'k0'],
    ['metadata', 'text'],
    ['multiattach', 1],
    ['multiattach', 'perhaps'],
    ['snapshot_id', 'no-uuid'],
    ['source_volid', 5],
    ['availability_zone', ''],
    ['availability_zone', 'z'.repeat(256)],
    ['volume_type', 5],
    ['consistencygroup_id', 'x'],
    ['backup_id', 'x'],
    ['imageRef', 'c905cedb-7281-47e4-8a62-f26bc5fc4c77'],
    ['surprise', 1],
    ['status', 'available'],
  ];
  const of = (volume: object, naming: string): BadRequest =>
    malformed(`create with ${JSON.stringify(volume).slice(0, 60)}`, 'POST', '/volumes', { volume }, naming);
  return [
    ...values.map(([field, value, naming = field]) => of({ size: 1, [field]: value }, naming)),
    of({}, 'size'),
    of({ size: null }, 'size'),
    of({ source_volid: volumeId, snapshot_id: snapshotId }, 'snapshot_id'),
    malformed('create without envelope', 'POST', '/volumes', { size: 1 }, 'volume'),
    malformed('create with two envelopes', 'POST', '/volumes', { volume: { size: 1 }, extra: 1 }, 'extra'),
    malformed(
      'create with hints that are a list',
      'POST',
      '/volumes',
      { volume: { size: 1 }, 'OS-SCH-HNT:scheduler_hints': [] },
      'OS-SCH-HNT:scheduler_hints',
    ),
  ];
}

function actionFields({ volumeId, attachedVolumeId, snapshotId }: Things): readonly BadRequest[] {
  const act = (body: object, naming: string): BadRequest =>
    malformed(`act ${JSON.stringify(body).slice(0, 60)}`, 'POST', `/volumes/${volumeId}/action`, body, naming);
  const refuse = (id: string, body: object, statuses: readonly number[]): BadRequest => ({
    ...malformed(`act ${JSON.stringify(body).slice(0, 60)}`, 'POST', `/volumes/${id}/action`, body, ''),
    expect: 'refused',
    statuses,
  });
  const sizes = [0, -1, 1.5, '1.5', 2_147_483_648, null, true, [], 'big'];
  return [
    ...sizes.map((size) => act({ 'os-extend': { new_size: size } }, 'new_size')),
    act({ 'os-extend': {} }, 'new_size'),
    act({ 'os-extend': { new_size: 2, old_size: 1 } }, 'old_size'),
    act({ 'os-extend': 2 }, 'os-extend'),
    act({ 'os-set_bootable': { bootable: 1 } }, 'bootable'),
    act({ 'os-update_readonly_flag': { readonly: 'maybe' } }, 'readonly'),
    act({ 'os-attach': { mountpoint: '/dev/vdb' } }, 'instance_uuid'),
    act({ 'os-attach': { instance_uuid: 'x', mountpoint: '/dev/vdb' } }, 'instance_uuid'),
    act({ 'os-attach': { host_name: 'h', mountpoint: '' } }, 'mountpoint'),
    act({ 'os-attach': { host_name: 'h', mountpoint: '/dev/vdb', mode: 'wo' } }, 'mode'),
    act({ 'os-reset_status': { status: 5 } }, 'status'),
    act({ 'os-unknown': {} }, 'os-unknown'),
    act({ 'os-reserve': null, 'os-attach': null }, ''),
    refuse(volumeId, { 'os-extend': { new_size: 1 } }, [400]),
    refuse(volumeId, { 'os-reset_status': { status: 'flying' } }, [400]),
    refuse(volumeId, { 'os-reset_status': { status: 'deleting' } }, [400]),
    refuse(volumeId, { 'os-reset_status': { status: 'in-use' } }, [400]),
    refuse(volumeId, { 'os-begin_detaching': null }, [400]),
    refuse(attachedVolumeId, { 'os-reserve': null }, [400]),
    refuse(attachedVolumeId, { revert: { snapshot_id: snapshotId } }, [400, 409]),
    refuse(attachedVolumeId, { 'os-force_delete': null }, [400]),
    {
      what: 'delete what has snapshots',
      method: 'DELETE',
      path: `/v3/demo/volumes/${volumeId}`,
      expect: 'refused',
      statuses: [400],
    },
    {
      what: 'reset a status without the rights',
      method: 'POST',
      path: `/v3/demo/volumes/${volumeId}/action`,
      headers: headersWith({ 'X-Auth-Token': 'ann:demo:member' }),
      body: JSON.stringify({ 'os-reset_status': { status: 'error' } }),
      expect: 'refused',
      statuses: [403],
    },
  ];
}

function metadataFields({ volumeId, snapshotId }: Things): readonly BadRequest[] {
  return [`/volumes/${volumeId}/metadata`, `/snapshots/${snapshotId}/metadata`].flatMap((path) => [
    ...['POST', 'PUT'].flatMap((method) => [
      malformed(`metadata ${method} number`, method, path, { metadata: { k: 1 } }, 'k'),
      malformed(`metadata ${method} long key`, method, path, { metadata: { ['k'.repeat(256)]: 'v' } }, 'k'),
      malformed(`metadata ${method} list`, method, path, { metadata: ['k'] }, 'metadata'),
      malformed(`metadata ${method} nothing`, method, path, {}, 'metadata'),
    ]),
    malformed('meta of another key', 'PUT', `${path}/one`, { meta: { other: 'v' } }, 'one'),
    malformed('meta of two keys', 'PUT', `${path}/one`, { meta: { one: 'v', two: 'v' } }, 'meta'),
    malformed('meta without a key', 'PUT', `${path}/one`, { meta: {} }, 'meta'),
  ]);
}

function otherFields({ volumeId, typeId, transferId }: Things): readonly BadRequest[] {
  const limits: readonly unknown[] = [-2, 2_147_483_648, 1.5, 'many', null, [], {}, true, '-2', '1e3'];
  return [
    ...limits.map((limit) =>
      malformed(
        `quota of ${JSON.stringify(limit)}`,
        'PUT',
        '/os-quota-sets/demo',
        { quota_set: { volumes: limit } },
        'volumes',
      ),
    ),
    malformed('quota of what is none', 'PUT', '/os-quota-sets/demo', { quota_set: { surprise: 1 } }, 'surprise'),
    malformed(
      'quota of an inherited name',
      'PUT',
      '/os-quota-sets/demo',
      { quota_set: { constructor: 1 } },
      'constructor',
    ),
    malformed('no quota', 'PUT', '/os-quota-sets/demo', { quota_set: {} }, 'quota_set'),
    malformed(
      'class quota of what is none',
      'PUT',
      '/os-quota-class-sets/default',
      { quota_class_set: { surprise: 1 } },
      'surprise',
    ),
    malformed('snapshot of no id', 'POST', '/snapshots', { snapshot: { volume_id: 'x' } }, 'volume_id'),
    malformed('snapshot without volume', 'POST', '/snapshots', { snapshot: {} }, 'volume_id'),
    malformed('transfer without volume', 'POST', '/volume-transfers', { transfer: { name: 'n' } }, 'volume_id'),
    malformed(
      'transfer with a long name',
      'POST',
      '/volume-transfers',
      { transfer: { volume_id: volumeId, name: 'n'.repeat(256) } },
      'name',
    ),
    malformed('acceptance without key', 'POST', `/volume-transfers/${transferId}/accept`, { accept: {} }, 'auth_key'),
    malformed('type without name', 'POST', '/types', { volume_type: { description: 'd' } }, 'name'),
    malformed('type with a blank name', 'POST', '/types', { volume_type: { name: '   ' } }, 'name'),
    malformed('type with a long name', 'POST', '/types', { volume_type: { name: 'n'.repeat(256) } }, 'name'),
    malformed(
      'extra spec with a slash',
      'POST',
      `/types/${typeId}/extra_specs`,
      { extra_specs: { 'a/b': 'c' } },
      'a/b',
    ),
    malformed('extra spec that is a number', 'POST', `/types/${typeId}/extra_specs`, { extra_specs: { a: 1 } }, 'a'),
    {
      ...malformed(
        'acceptance with a wrong key',
        'POST',
        `/volume-transfers/${transferId}/accept`,
        { accept: { auth_key: 'ffffffffffffffff' } },
        'auth key',
      ),
      expect: 'refused',
    },
    {
      ...malformed('type of a name there is', 'POST', '/types', { volume_type: { name: 'spare' } }, 'spare'),
      expect: 'refused',
      statuses: [409],
    },
    {
      ...malformed(
        'type updated by its name, which is no id',
        'PUT',
        '/types/spare',
        { volume_type: { name: 'n' } },
        'spare',
      ),
      expect: 'refused',
      statuses: [404],
    },
    {
      ...malformed(
        'volume of a type that is not there',
        'POST',
        '/volumes',
        { volume: { size: 1, volume_type: 'constructor' } },
        'constructor',
      ),
      expect: 'refused',
      statuses: [404],
    },
    {
      ...malformed(
        'volume in a zone that is not there',
        'POST',
        '/volumes',
        { volume: { size: 1, availability_zone: 'moon' } },
        'moon',
      ),
      expect: 'refused',
    },
  ];
}

function queries({ volumeId }: Things): readonly BadRequest[] {
  const lists = [
    '/volumes',
    '/volumes/detail',
    '/snapshots',
    '/snapshots/detail',
    '/types',
    '/messages',
    '/operations',
  ];
  const bad: readonly (readonly [query: string, naming: string, status?: number])[] = [
    ['limit=-1', 'limit'],
    ['limit=a', 'limit'],
    ['offset=-1', 'offset'],
    ['offset=2147483648', 'offset'],
    ['sort=created_at:sideways', 'direction'],
    ['sort_dir=up', 'direction'],
    ['sort=nothing', 'sort key'],
    ['sort=id&sort_key=id', 'sort'],
    ['marker=00000000-0000-4000-8000-000000000000', '00000000-0000-4000-8000-000000000000', 404],
  ];
  const get = (query: string, naming: string, status = 400): BadRequest => ({
    what: `GET ${query}`,
    method: 'GET',
    path: `/v3/demo${query}`,
    expect: 'malformed',
    statuses: [status],
    naming,
  });
  return [
    ...lists.flatMap((list) => bad.map(([query, naming, status]) => get(`${list}?${query}`, naming, status))),
    get('/volumes?bootable=maybe', 'bootable'),
    get('/volumes?all_tenants=maybe', 'all_tenants'),
    get('/volumes?with_count=maybe', 'with_count'),
    get('/volumes?created_at=yesterday', 'yesterday'),
    get('/volumes?created_at=gt:yesterday', 'yesterday'),
    get('/volumes?%E2%98%83=1', 'ASCII'),
    get('/os-quota-sets/demo?usage=maybe', 'usage'),
    { ...get(`/volumes/${volumeId}?cascade=maybe`, 'cascade'), method: 'DELETE' },
    { ...get(`/volumes/${volumeId}?force=2`, 'force'), method: 'DELETE' },
    { ...get('/volumes?surprise=1', 'surprise'), headers: headersWith({ 'X-Auth-Token': 'ann:demo:member' }) },
  ];
}

/** Paths and methods that there are none of: always 404 as text, never 405 (contract/errors.md §2). */
function paths(): readonly BadRequest[] {
  const nothing = (method: string, path: string, statuses: readonly number[] = [404]): BadRequest => ({
    what: `${method} ${path.slice(0, 50)}`,
    method,
    path,
    expect: 'malformed',
    statuses,
  });
  return [
    ...['PATCH', 'PUT', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'DELETE'].map((method) =>
      nothing(method, '/v3/demo/volumes'),
    ),
    nothing('GET', '/v3/demo/volumes/'),
    nothing('GET', '/v3/demo/nothing'),
    nothing('GET', '/v2/demo/volumes'),
    nothing('GET', '/v3/demo/../../etc/passwd'),
    nothing('GET', `/v3/demo/${'a/'.repeat(3_000)}`),
    nothing('GET', `/v3/demo/volumes/${'x'.repeat(9_000)}`),
    nothing('GET', '/v3/%E0%A4%A', [400]),
    nothing('GET', '/v3/demo/volumes/%', [400]),
    nothing('GET', '/v3/demo/volumes/%zz', [400]),
    nothing('GET', '/v3/demo/volumes;a=b'),
    nothing('GET', '//v3//demo//nothing'),
    nothing('GET', '/v3/demo\\volumes'),
  ];
}

/** Keys and headers that are there twice: the last key counts, as in the original; two tokens are none. */
function duplicates({ volumeId }: Things): readonly BadRequest[] {
  const create = (body: string, naming: string): BadRequest =>
    malformed(`create ${body}`, 'POST', '/volumes', body, naming);
  return [
    create('{"volume": {"size": 1, "size": 0}}', 'size'),
    create('{"volume": {"size": 1e400}}', 'size'),
    create('{"volume": {"size": 1}, "volume": {"size": "x"}}', 'size'),
    create('{"volume": {"size": 1, "s\\u0069ze": -5}}', 'size'),
    malformed(
      'an action twice',
      'POST',
      `/volumes/${volumeId}/action`,
      '{"os-extend": {"new_size": 3}, "os-extend": {}}',
      'new_size',
    ),
    {
      what: 'two tokens',
      method: 'GET',
      path: '/v3/demo/volumes',
      headers: headersWith({ 'X-Auth-Token': ['root:demo', 'root:other'] }),
      expect: 'malformed',
      statuses: [401],
    },
    {
      what: 'two Content-Types',
      method: 'POST',
      path: '/v3/demo/volumes',
      headers: headersWith({ 'Content-Type': ['text/plain', 'application/json'] }),
      body: '{"volume": {"size": 1}}',
      expect: 'malformed',
      statuses: [415],
    },
  ];
}

/** Projects and users that are called like what every object in JavaScript has: names like any other. */
function inheritedNames({ typeId }: Things): readonly BadRequest[] {
  return INHERITED.flatMap((name) => {
    const ask = (method: string, path: string, status: number, body?: unknown): BadRequest => ({
      what: `${method} ${path} as project ${name}`,
      method,
      path: `/v3/${name}${path}`,
      headers: headersWith({ 'X-Auth-Token': `${name}:${name}:admin` }),
      expect: 'odd',
      statuses: [status],
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return [
      ask('GET', '/volumes/detail', 200),
      ask('GET', '/limits', 200),
      ask('GET', `/os-quota-sets/${name}?usage=true`, 200),
      ask('GET', `/os-quota-class-sets/${name}`, 200),
      ask('GET', '/types/default', 200),
      ask('GET', `/default-types/${name}`, 404),
      ask('PUT', `/os-quota-sets/${name}`, 200, { quota_set: { volumes: 5 } }),
      ask('PUT', `/os-quota-class-sets/${name}`, 200, { quota_class_set: { volumes: 5 } }),
      ask('PUT', `/default-types/${name}`, 200, { default_type: { volume_type: typeId } }),
      ask('POST', '/volumes', 202, { volume: { size: 1, name, metadata: { constructor: name, toString: name } } }),
      ask('POST', '/types', 200, { volume_type: { name, extra_specs: { constructor: name } } }),
    ];
  });
}
