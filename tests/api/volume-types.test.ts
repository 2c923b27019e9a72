import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MEMBER, READER } from './http-client.ts';
import { fieldsOf, sample, typesOf } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const IS_PUBLIC = 'os-volume-type-access:is_public';

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

let made = 0;
/** A type with a name of its own; returns what its creation answered. */
const newType = async (fields: object = {}) => {
  made += 1;
  server.pass(1);
  const answer = await server.post('/v3/demo/types', { volume_type: { name: `type-${made}`, ...fields } });
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json.volume_type;
};

const namesOf = (answer: { readonly json: { readonly volume_types: readonly { readonly name: string }[] } }) =>
  answer.json.volume_types.map(({ name }) => name);

describe('the default volume type', () => {
  it('is there from the start, for everybody', async () => {
    const answer = await server.get('/v3/demo/types/default', { token: READER });
    expect(answer.json.volume_type).toMatchObject({
      name: '__DEFAULT__',
      description: 'Default Volume Type',
      is_public: true,
    });
    const admins = await server.get('/v3/types/default');
    expect(fieldsOf(admins.json.volume_type)).toEqual(
      fieldsOf(sample('volume_type/volume-type-default-response.json').volume_type),
    );
  });

  it('stays the default when it is renamed', async () => {
    const { id } = (await server.get('/v3/demo/types/default')).json.volume_type;
    await server.put(`/v3/demo/types/${id}`, { volume_type: { name: 'plain' } });
    expect((await server.get('/v3/demo/types/default')).json.volume_type).toMatchObject({ id, name: 'plain' });
    await server.put(`/v3/demo/types/${id}`, { volume_type: { name: '__DEFAULT__' } });
  });

  it('cannot be deleted', async () => {
    const { id } = (await server.get('/v3/demo/types/default')).json.volume_type;
    expect((await server.delete(`/v3/demo/types/${id}`)).status).toBe(400);
  });

  it('is the project’s own where it has one', async () => {
    const own = await newType();
    await server.put('/v3/default-types/demo', { default_type: { volume_type: own.name } });
    expect((await server.get('/v3/demo/types/default', { token: MEMBER })).json.volume_type.id).toBe(own.id);
    const others = await server.get('/v3/other/types/default', { token: 'sam:other:member' });
    expect(others.json.volume_type.name).toBe('__DEFAULT__');
    expect((await server.delete(`/v3/demo/types/${own.id}`)).status).toBe(400);
    await server.delete('/v3/default-types/demo');
    expect((await server.delete(`/v3/demo/types/${own.id}`)).status).toBe(202);
  });
});

describe('creating a volume type', () => {
  it('answers 200 with the fields of the sample', async () => {
    const answer = await server.post('/v3/demo/types', {
      volume_type: {
        name: 'vol-type-001',
        description: 'volume type 0001',
        [IS_PUBLIC]: true,
        extra_specs: { capabilities: 'gpu' },
      },
    });
    const { volume_type: documented } = sample('volume_type/volume-type-create-response.json') as {
      volume_type: Record<string, unknown>;
    };
    expect(answer.status).toBe(200);
    expect(answer.json.volume_type).toEqual({ ...documented, id: answer.json.volume_type.id });
  });

  it.each([
    ['no name', { description: 'x' }, "'name' is a required property"],
    ['a blank name', { name: '  ' }, 'name'],
    ['a long name', { name: 'n'.repeat(256) }, 'name'],
    ['a control character in the description', { name: 'n', description: 'a\nb' }, 'description'],
    ['an unknown key', { name: 'n', colour: 'red' }, "'colour' was unexpected"],
    ['a number for a boolean', { name: 'n', [IS_PUBLIC]: 1 }, IS_PUBLIC],
    ['a key of an extra spec that has other letters', { name: 'n', extra_specs: { 'a&b': 'x' } }, 'a&b'],
    ['a value of an extra spec that is no text', { name: 'n', extra_specs: { a: 1 } }, 'a'],
  ])('refuses %s, even before it looks at rights', async (_what, fields, named) => {
    for (const token of ['root:demo', MEMBER]) {
      const answer = await server.post('/v3/demo/types', { volume_type: fields }, { token });
      expect(answer.status).toBe(400);
      expect(answer.json.badRequest.message).toContain(named);
    }
  });

  it('is for administrators', async () => {
    const answer = await server.post('/v3/demo/types', { volume_type: { name: 'mine' } }, { token: MEMBER });
    expect(answer.status).toBe(403);
    expect(answer.json.forbidden.message).toContain('volume_extension:type_create');
    expect(server.refusals.at(-1)).toMatchObject({ command: 'types-create', rejection: { code: 'Forbidden' } });
  });

  it('refuses a name that is taken with 409', async () => {
    const { name } = await newType();
    const answer = await server.post('/v3/demo/types', { volume_type: { name } });
    expect(answer.status).toBe(409);
    expect(answer.json.conflictingRequest.message).toContain(name);
  });

  it('is done once when it is sent again under its Idempotency-Key', async () => {
    const ask = (description: string) =>
      server.post(
        '/v3/demo/types',
        { volume_type: { name: 'once', description } },
        { headers: { 'Idempotency-Key': 'make-once' } },
      );
    const [first, again] = [await ask('a'), await ask('a')];
    expect(again.json).toEqual(first.json);
    expect((await ask('b')).status).toBe(409);
  });

  it('takes spellings of booleans, and a null extra spec for an empty one', async () => {
    const type = await newType({ [IS_PUBLIC]: 'no', extra_specs: { gpu: null } });
    expect(type).toMatchObject({ is_public: false, extra_specs: { gpu: '' } });
  });
});

describe('showing a volume type', () => {
  it('has the fields of the sample for an administrator', async () => {
    const { id } = await newType({ description: 'with a card', extra_specs: { capabilities: 'gpu' } });
    const shown = (await server.get(`/v3/demo/types/${id}`)).json.volume_type;
    const documented = sample('volume_type/volume-type-show-response.json').volume_type;
    expect(fieldsOf(shown)).toEqual(fieldsOf(documented));
    expect(typesOf(shown)).toEqual(typesOf(documented));
  });

  it('shows users what they may know of the extra specs, and nothing of QoS', async () => {
    const specs = { multiattach: '<is> True', 'RESKEY:availability_zones': 'nova', volume_backend_name: 'secret' };
    const { id } = await newType({ extra_specs: specs });
    const { volume_type: type } = (await server.get(`/v3/demo/types/${id}`, { token: MEMBER })).json;
    expect(type.extra_specs).toEqual({ multiattach: '<is> True', 'RESKEY:availability_zones': 'nova' });
    expect(type).not.toHaveProperty('qos_specs_id');
    expect(type).toHaveProperty([IS_PUBLIC], true);
    const readers = (await server.get(`/v3/demo/types/${id}`, { token: READER })).json.volume_type;
    expect(readers).not.toHaveProperty([IS_PUBLIC]);
  });

  it('answers 404 for one that is not there, and to users for a private one', async () => {
    expect((await server.get(`/v3/demo/types/${UNKNOWN}`)).json.itemNotFound.message).toContain(UNKNOWN);
    const { id } = await newType({ [IS_PUBLIC]: false });
    expect((await server.get(`/v3/demo/types/${id}`)).status).toBe(200);
    for (const path of ['', '/extra_specs', '/extra_specs/a']) {
      expect((await server.get(`/v3/demo/types/${id}${path}`, { token: MEMBER })).status).toBe(404);
    }
  });
});

describe('listing volume types', () => {
  it('has the fields of the sample, newest first', async () => {
    const older = await newType();
    const newer = await newType();
    const answer = await server.get('/v3/demo/types');
    const documented = sample('volume_type/volume-types-list-response.json').volume_types;
    expect(fieldsOf(answer.json.volume_types)).toEqual(fieldsOf(documented));
    expect(namesOf(answer).slice(0, 2)).toEqual([newer.name, older.name]);
    expect(namesOf(answer).at(-1)).toBe('__DEFAULT__');
  });

  it('shows administrators public types unless they ask for others, and users public ones whatever they ask', async () => {
    const hidden = await newType({ [IS_PUBLIC]: false });
    const listed = async (query: string, token = 'root:demo') =>
      namesOf(await server.get(`/v3/demo/types${query}`, { token }));
    expect(await listed('')).not.toContain(hidden.name);
    expect(await listed('?is_public=None')).toContain(hidden.name);
    const privates = await listed('?is_public=false');
    expect(privates).toContain(hidden.name);
    expect(privates).not.toContain('__DEFAULT__');
    for (const query of ['', '?is_public=None', '?is_public=false']) {
      expect(await listed(query, MEMBER)).not.toContain(hidden.name);
      expect(await listed(query, MEMBER)).toContain('__DEFAULT__');
    }
    expect((await server.get('/v3/demo/types?is_public=maybe')).json.badRequest.message).toContain('is_public');
  });

  it('filters by extra specs from 3.52 on', async () => {
    const fast = await newType({ extra_specs: { speed: 'fast', multiattach: '<is> True' } });
    const zoned = await newType({ extra_specs: { 'RESKEY:availability_zones': 'north,south' } });
    const listed = async (filter: object, options: object = {}) =>
      namesOf(await server.get(`/v3/demo/types?extra_specs=${encodeURIComponent(JSON.stringify(filter))}`, options));
    expect(await listed({ speed: 'fast' })).toEqual([fast.name]);
    expect(await listed({ speed: 'fast', multiattach: '<is> False' })).toEqual([]);
    expect(await listed({ 'RESKEY:availability_zones': 'south' })).toEqual([zoned.name]);
    expect(await listed({ multiattach: '<is> True' }, { token: MEMBER })).toContain(fast.name);
    expect(await listed({ speed: 'fast' }, { token: MEMBER })).toEqual([]);
    expect(await listed({ speed: 'fast' }, { microversion: 51 })).toContain('__DEFAULT__');
    expect((await server.get('/v3/demo/types?extra_specs=fast')).status).toBe(400);
  });

  it('drops users’ unknown filters before 3.52 and refuses them from then on; administrators’ match nothing', async () => {
    const member = { token: MEMBER };
    expect((await server.get('/v3/demo/types?name=x', { ...member, microversion: 51 })).status).toBe(200);
    const refused = await server.get('/v3/demo/types?name=x', member);
    expect(refused.json.badRequest.message).toBe('Invalid filters name are found in query options.');
    expect((await server.get('/v3/demo/types?n%C3%A4me=x')).json.badRequest.message).toContain('ASCII');
    const named = await newType();
    expect(namesOf(await server.get(`/v3/demo/types?name=${named.name}`))).toEqual([named.name]);
    expect(namesOf(await server.get('/v3/demo/types?colour=red'))).toEqual([]);
  });

  it('pages by marker, with a next link, and sorts', async () => {
    for (let count = 0; count < 3; count += 1) await newType();
    const all = namesOf(await server.get('/v3/demo/types?sort=name:asc'));
    expect(all).toEqual([...all].sort());
    const seen: string[] = [];
    let path = '/v3/demo/types?sort=name:asc&limit=2';
    while (path !== '') {
      const page = await server.get(path);
      seen.push(...namesOf(page));
      const [next] = page.json.volume_type_links ?? [];
      path = next === undefined ? '' : next.href.slice(server.url.length);
    }
    expect(seen).toEqual(all);
    expect((await server.get('/v3/demo/types?limit=0')).json).toEqual({ volume_types: [] });
    expect((await server.get(`/v3/demo/types?marker=${UNKNOWN}`)).status).toBe(404);
    const hidden = await newType({ [IS_PUBLIC]: false });
    expect((await server.get(`/v3/demo/types?marker=${hidden.id}`, { token: MEMBER })).status).toBe(404);
    expect((await server.get('/v3/demo/types?sort=colour')).status).toBe(400);
  });
});

describe('updating a volume type', () => {
  it('changes what is named and answers as the sample', async () => {
    const { id } = await newType({ description: 'old', extra_specs: { a: '1' } });
    const answer = await server.put(`/v3/demo/types/${id}`, { volume_type: { description: 'new', name: null } });
    expect(answer.status).toBe(200);
    expect(fieldsOf(answer.json.volume_type)).toEqual(
      fieldsOf(sample('volume_type/volume-type-update-response.json').volume_type),
    );
    expect(answer.json.volume_type).toMatchObject({ description: 'new', extra_specs: { a: '1' } });
    await server.put(`/v3/demo/types/${id}`, { volume_type: { is_public: 'false' } });
    expect((await server.get(`/v3/demo/types/${id}`, { token: MEMBER })).status).toBe(404);
  });

  it('renames it for the volumes that have it, too', async () => {
    const { id, name } = await newType();
    const created = await server.post('/v3/demo/volumes', { volume: { size: 1, volume_type: name } });
    await server.put(`/v3/demo/types/${id}`, { volume_type: { name: `${name}-renamed` } });
    const volume = await server.get(`/v3/demo/volumes/${created.json.volume.id}`);
    expect(volume.json.volume.volume_type).toBe(`${name}-renamed`);
  });

  it.each([
    [{}, 'Specify volume type name'],
    [{ name: null, description: null }, 'Specify volume type name'],
    [{ name: '   ' }, 'can not be empty'],
    [{ extra_specs: {} }, 'unexpected'],
  ])('refuses %j', async (fields, reason) => {
    const { id } = await newType();
    const answer = await server.put(`/v3/demo/types/${id}`, { volume_type: fields });
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(reason);
  });

  it('refuses a name that another has, and a type that is not there', async () => {
    const [one, other] = [await newType(), await newType()];
    const change = { volume_type: { name: one.name } };
    expect((await server.put(`/v3/demo/types/${other.id}`, change)).status).toBe(409);
    expect((await server.put(`/v3/demo/types/${UNKNOWN}`, { volume_type: { name: 'n' } })).status).toBe(404);
    expect((await server.put(`/v3/demo/types/${other.id}`, change, { token: MEMBER })).status).toBe(403);
  });
});

describe('deleting a volume type', () => {
  it('answers 202, and it is gone', async () => {
    const { id } = await newType();
    const answer = await server.delete(`/v3/demo/types/${id}`);
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect((await server.get(`/v3/demo/types/${id}`)).status).toBe(404);
    expect((await server.delete(`/v3/demo/types/${id}`)).status).toBe(404);
  });

  it('refuses while a volume has it', async () => {
    const { id, name } = await newType();
    await server.post('/v3/demo/volumes', { volume: { size: 1, volume_type: name } });
    expect((await server.delete(`/v3/demo/types/${id}`)).status).toBe(400);
    expect((await server.delete(`/v3/demo/types/${id}`, { token: MEMBER })).status).toBe(403);
  });
});

describe('the actions that the original routes by accident', () => {
  it.each(['create', 'update', 'delete'])('answer 400 to %s, whatever is sent', async (action) => {
    const { id } = await newType();
    for (const body of [{}, { name: 'n' }, null]) {
      const answer = await server.post(`/v3/demo/types/${id}/action`, { [action]: body }, { token: MEMBER });
      expect(answer.status).toBe(400);
      expect(answer.json.badRequest.code).toBe(400);
    }
    expect((await server.get(`/v3/demo/types/${id}`)).status).toBe(200);
  });

  it('do not know another', async () => {
    const answer = await server.post('/v3/demo/types/x/action', { grow: null });
    expect(answer.json.badRequest.message).toContain('There is no such action: grow');
  });
});
