import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Ask, MEMBER, STRANGER } from './http-client.ts';
import { fieldsOf, sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

/** Five volumes of `demo`, a second apart, then one of `other`. */
let server: TestServer;
const ids: Record<string, string> = {};
let thirdMadeAt = '';

const FIELDS: readonly Record<string, unknown>[] = [
  { name: 'alpha', size: 5, metadata: { tier: 'gold', 'a b': 'c' } },
  { name: 'beta', size: 3, metadata: { tier: 'gold' } },
  { name: 'gamma', size: 4, description: 'third' },
  { name: 'delta', size: 1 },
  { name: '7', size: 2 },
];

beforeAll(async () => {
  server = await startTestServer({ maxLimit: 4 });
  for (const fields of FIELDS) {
    const { json } = await server.post('/v3/volumes', { volume: fields });
    ids[String(fields.name)] = json.volume.id;
    if (fields.name === 'gamma') thirdMadeAt = json.volume.created_at;
    server.pass(1_000);
  }
  await server.finishCreation(ids.alpha ?? '');
  await server.post(`/v3/volumes/${ids.alpha}/action`, { 'os-set_bootable': { bootable: true } });
  await server.post(`/v3/volumes/${ids.alpha}/action`, {
    'os-set_image_metadata': { metadata: { os: 'linux' } },
  });
  const { json } = await server.post('/v3/volumes', { volume: { size: 9, name: 'theirs' } }, { token: 'root:other' });
  ids.theirs = json.volume.id;
});
afterAll(() => server.close());

const list = (query: string, ask: Ask = {}): Promise<Answer> => server.get(`/v3/demo/volumes${query}`, ask);
const names = ({ json }: Answer): readonly string[] => json.volumes.map(({ name }: { name: string }) => name);

describe('a list of volumes', () => {
  it('is brief, newest first, of the own project', async () => {
    const answer = await list('?limit=4');
    expect(answer.status).toBe(200);
    expect(names(answer)).toEqual(['7', 'delta', 'gamma', 'beta']);
    expect(fieldsOf(answer.json.volumes)).toEqual(fieldsOf(sample('volumes/volumes-list-response.json').volumes));
  });

  it('goes over all projects for administrators only', async () => {
    expect(names(await list('?all_tenants=1'))).toContain('theirs');
    expect(names(await list('?all_tenants=0'))).not.toContain('theirs');
    expect(names(await list('?all_tenants=1', { token: MEMBER }))).not.toContain('theirs');
    expect(names(await server.get('/v3/other/volumes', { token: STRANGER }))).toEqual(['theirs']);
  });
});

describe('paging', () => {
  it('follows next links to the end, the last page full or not', async () => {
    const seen: string[] = [];
    let url: string | undefined = `${server.url}/v3/demo/volumes?limit=2&sort=name:asc`;
    let pages = 0;
    while (url !== undefined) {
      const answer = await server.get(url.slice(server.url.length));
      seen.push(...names(answer));
      url = answer.json.volumes_links?.[0].href;
      pages += 1;
    }
    expect(seen).toEqual(['7', 'alpha', 'beta', 'delta', 'gamma']);
    expect(pages).toBe(3);
  });

  it('links with the query repeated and the marker replaced, in the path form that was asked', async () => {
    const marker = ids['7'];
    const answer = await server.get(`/v3/volumes/detail?limit=1&marker=${marker}&sort=created_at:desc`);
    const [{ rel, href }] = answer.json.volumes_links;
    const url = new URL(href);
    expect(rel).toBe('next');
    expect(url.pathname).toBe('/v3/volumes/detail');
    expect(Object.fromEntries(url.searchParams)).toEqual({ limit: '1', marker: ids.delta, sort: 'created_at:desc' });
  });

  it('gives a next link to a full last page', async () => {
    const answer = await list('?limit=4&sort=name:asc&name=beta');
    expect(answer.json).not.toHaveProperty('volumes_links');
    expect((await list('?limit=1&name=beta')).json.volumes_links).toHaveLength(1);
  });

  it('caps the limit silently, and knows an empty page', async () => {
    const capped = await list('?limit=1000');
    expect(capped.json.volumes).toHaveLength(4);
    expect(capped.json.volumes_links).toHaveLength(1);
    expect((await list('?limit=0')).json).toEqual({ volumes: [] });
    expect((await list('')).json.volumes).toHaveLength(4);
  });

  it('skips by offset', async () => {
    expect(names(await list('?limit=2&offset=3'))).toEqual(['beta', 'alpha']);
  });

  it.each([
    ['limit=x', 'limit param must be an integer'],
    ['limit=-1', 'limit param must be positive'],
    ['offset=x', 'offset param must be an integer'],
    ['offset=-1', 'offset must be >= 0'],
    ['offset=2147483648', 'offset'],
  ])('refuses %s', async (query, message) => {
    const answer = await list(`?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(message);
  });

  it('does not find an unknown marker, nor one of another project', async () => {
    expect((await list('?marker=nobody')).json.itemNotFound.message).toBe('Volume nobody could not be found.');
    expect((await list(`?marker=${ids.theirs}`, { token: MEMBER })).status).toBe(404);
  });
});

describe('sorting', () => {
  it.each([
    ['sort=size:asc', ['delta', '7', 'beta', 'gamma']],
    ['sort=size', ['alpha', 'gamma', 'beta', '7']],
    ['sort_key=name&sort_dir=asc', ['7', 'alpha', 'beta', 'delta']],
    ['sort_key=display_name', ['gamma', 'delta', 'beta', 'alpha']],
    ['sort=status:asc,name:desc', ['alpha', 'gamma', 'delta', 'beta']],
    ['sort=created_at:asc', ['alpha', 'beta', 'gamma', 'delta']],
  ])('by %s', async (query, expected) => {
    expect(names(await list(`?${query}`))).toEqual(expected);
  });

  it.each([
    ['sort=name:up', "Unknown sort direction, must be 'desc' or 'asc'."],
    ['sort_dir=up', "Unknown sort direction, must be 'desc' or 'asc'."],
    ['sort=colour', 'Invalid sort key'],
    ['sort=name&sort_key=name', 'sort_key'],
  ])('refuses %s', async (query, message) => {
    const answer = await list(`?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(message);
  });
});

describe('filters', () => {
  it.each([
    ['name=beta', ['beta']],
    ['display_name=beta', ['beta']],
    ['name=7', ['7']],
    ["name='beta'", []],
    ['size=3', ['beta']],
    ["size='3'", ['beta']],
    ['size=[1, 3]', ['delta', 'beta']],
    ['size=big', []],
    ['status=available', ['alpha']],
    ["status=['available', 'error']", ['alpha']],
    ['bootable=true', ['alpha']],
    ['bootable=f&size=3', ['beta']],
    ["metadata={'tier': 'gold'}", ['beta', 'alpha']],
    ['metadata={"tier": "gold", "a b": "c"}', ['alpha']],
    ["metadata={'tier': 'tin'}", []],
    ['metadata=gold', []],
    ["glance_metadata={'os': 'linux'}", ['alpha']],
    ['availability_zone=nova&size=4', ['gamma']],
    ['migration_status=None&size=4', ['gamma']],
    ['group_id=None&size=4', ['gamma']],
    ['group_id=g1', []],
    ['replication_status=None&size=4', ['gamma']],
    ['replication_status=enabled', []],
    ['consumes_quota=true&size=4', ['gamma']],
    ['consumes_quota=no', []],
    ['project_id=other', []],
    ['project_id=demo&size=4', ['gamma']],
    ['colour=red', []],
    ['name~=lph', ['alpha']],
    ['display_description~=hir', ['gamma']],
  ])('%s finds %j for an administrator', async (query, expected) => {
    expect(names(await list(`?${encodeURI(query)}`))).toEqual(expected);
  });

  it.each(['gt', 'gte', 'lt', 'lte', 'eq', 'neq'])('compares times by %s', async (operator) => {
    const by: Record<string, readonly string[]> = {
      gt: ['7', 'delta'],
      gte: ['7', 'delta', 'gamma'],
      lt: ['beta', 'alpha'],
      lte: ['gamma', 'beta', 'alpha'],
      eq: ['gamma'],
      neq: ['7', 'delta', 'beta', 'alpha'],
    };
    expect(names(await list(`?created_at=${operator}:${thirdMadeAt}`))).toEqual(by[operator]);
  });

  it('compares a time by two operators, and in a zone', async () => {
    const from = new Date(Date.parse(`${thirdMadeAt}Z`) - 1_500).toISOString();
    const zoned = from.replace('Z', '%2B00:00');
    expect(names(await list(`?created_at=gt:${zoned},lte:${thirdMadeAt}`))).toEqual(['gamma', 'beta']);
  });

  it.each([
    ['created_at=2020-01-01T00:00:00', 'Invalid 2020-01-01T00 operator'],
    ['created_at=gt:bar', 'Invalid bar value'],
    ['bootable=zz', "Invalid input received: 'bootable = zz'"],
    ['all_tenants=zz', "Value 'zz' for 'all_tenants' is not a boolean."],
    ['with_count=zz', "Value 'zz' for 'with_count' is not a boolean."],
    ['consumes_quota=zz', "Value 'zz' for 'use_quota' is not a boolean."],
    ['caf%C3%A9=1', 'Filter keys can only contain ASCII characters.'],
  ])('refuses %s', async (query, message) => {
    const answer = await list(`?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toBe(message);
  });

  it('below 3.2 takes every word but false for a bootable volume', async () => {
    expect(names(await list('?bootable=0', { microversion: 1 }))).toEqual(['alpha']);
    expect(names(await list('?bootable=FALSE&size=3', { microversion: 1 }))).toEqual(['beta']);
  });

  it('refuses users an unknown filter from 3.31, and drops it below', async () => {
    const refused = await list('?colour=red&host=h', { token: MEMBER, microversion: 31 });
    expect(refused.status).toBe(400);
    expect(refused.json.badRequest.message).toBe('Invalid filters colour,host are found in query options.');
    expect((await list('?colour=red&all_tenants=zz', { token: MEMBER, microversion: 30 })).json.volumes).toHaveLength(
      4,
    );
  });

  it('keeps an unknown filter of administrators, so that nothing matches, at every version', async () => {
    expect((await list('?colour=red', { microversion: 30 })).json.volumes).toEqual([]);
    expect((await list('?colour=red', { microversion: 31 })).json.volumes).toEqual([]);
  });

  it('drops filters of later versions below 3.31, and takes them from there on', async () => {
    const query = `?created_at=gt:${thirdMadeAt}`;
    expect((await list(query, { microversion: 30 })).json.volumes).toHaveLength(4);
    expect((await list(query, { microversion: 31, token: MEMBER })).json.volumes).toHaveLength(2);
  });

  it.each([33, 71])('refuses users an inexact filter at 3.%d', async (microversion) => {
    const answer = await list('?name~=al', { token: MEMBER, microversion });
    expect(answer.json.badRequest.message).toBe('Invalid filters name~ are found in query options.');
  });
});

describe('with_count', () => {
  it('counts what matches beside the page from 3.45', async () => {
    const answer = await list('?with_count=true&limit=1');
    expect(answer.json.count).toBe(5);
    expect(answer.json.volumes).toHaveLength(1);
    expect((await list('?with_count=true&size=3', { token: MEMBER })).json.count).toBe(1);
    expect((await list('?with_count=false')).json).not.toHaveProperty('count');
  });

  it('is an unknown filter before', async () => {
    expect((await list('?with_count=true', { microversion: 44 })).json).toEqual({ volumes: [] });
    expect((await list('?with_count=true', { microversion: 44, token: MEMBER })).status).toBe(400);
    expect((await list('?with_count=true', { microversion: 30, token: MEMBER })).json.volumes).toHaveLength(4);
  });
});

describe('the summary', () => {
  it('exists from 3.12 and has metadata from 3.36', async () => {
    expect((await list('/summary', { microversion: 11 })).status).toBe(404);
    expect((await list('/summary', { microversion: 35 })).json).toEqual({
      'volume-summary': { total_count: 5, total_size: 15 },
    });
    expect((await list('/summary', { token: MEMBER })).json['volume-summary'].metadata).toEqual({
      tier: ['gold'],
      'a b': ['c'],
    });
  });

  it('goes over all projects for administrators', async () => {
    expect((await list('/summary?all_tenants=1')).json['volume-summary']).toMatchObject({
      total_count: 6,
      total_size: 24,
    });
  });
});
