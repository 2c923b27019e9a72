import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, MEMBER, READER } from './http-client.ts';
import { startThingServer, type ThingServer } from './things.ts';

let client: ThingServer;

beforeAll(async () => {
  client = await startThingServer();
});
afterAll(() => client.close());

describe('bodies', () => {
  const create = '/v3/demo/things';

  it('refuses a Content-Type that is not JSON with 415', async () => {
    const answer = await client.post(create, 'size=1', { headers: { 'Content-Type': 'text/csv' } });
    expect(answer.status).toBe(415);
    expect(answer.json).toEqual({ badMediaType: { code: 415, message: 'Unsupported Content-Type' } });
  });

  it.each(['application/json; charset=utf-8', 'application/vnd.openstack.volume+json'])('accepts %s', async (type) => {
    const answer = await client.post(create, { thing: { size: 1 } }, { headers: { 'Content-Type': type } });
    expect(answer.status).toBe(202);
  });

  it('ignores a body without Content-Type, so that what is required is missing', async () => {
    const response = await fetch(`${client.url}${create}`, {
      method: 'POST',
      headers: { 'X-Auth-Token': ADMIN },
      body: new Blob(['{"thing": {"size": 1}}']),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ badRequest: { code: 400, message: "'thing' is a required property" } });
  });

  it('refuses what is no JSON', async () => {
    const answer = await client.post(create, '{"thing": ');
    expect(answer.json).toEqual({ badRequest: { code: 400, message: 'Malformed request body' } });
  });

  it('refuses a body over 114688 bytes with 413 as text, before it asks who sends it', async () => {
    const answer = await client.post(create, `{"thing": "${'x'.repeat(114_688)}"}`, { token: null });
    expect(answer.status).toBe(413);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(answer.headers.get('OpenStack-API-Version')).toBeNull();
  });

  it.each([
    [{}, 0, "'thing' is a required property"],
    [[], 0, "[] is not of type 'object'"],
    [{ thing: [] }, 0, "Invalid input for field/attribute thing. Value: []. [] is not of type 'object'"],
    [{ thing: {} }, 0, "Invalid input for field/attribute thing. Value: {}. 'size' is a required property"],
    [{ thing: { size: 0 } }, 0, 'Invalid input for field/attribute size. Value: 0. 0 is less than the minimum of 1'],
    [{ thing: { size: 'big' } }, 0, "Invalid input for field/attribute size. Value: big. 'big' is not of type"],
    [{ thing: { size: 1, colour: 'red' } }, 53, "Additional properties are not allowed ('colour' was unexpected)"],
    [{ thing: { size: 1 }, more: 1 }, 53, "Additional properties are not allowed ('more' was unexpected)"],
  ])('refuses %j at 3.%d naming the field', async (body, microversion, message) => {
    const answer = await client.post(create, body, { microversion });
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(message);
  });

  it('accepts below 3.53 what it refuses from there on', async () => {
    const body = { thing: { size: 1, colour: 'red' } };
    expect((await client.post(create, body, { microversion: 52 })).status).toBe(202);
    expect((await client.post(create, body, { microversion: 53 })).status).toBe(400);
  });

  it('validates before it looks at rights', async () => {
    expect((await client.post(create, {}, { token: READER })).status).toBe(400);
    expect((await client.post(create, { thing: { size: 1 } }, { token: READER })).status).toBe(403);
  });
});

describe('actions', () => {
  const action = '/v3/demo/things/red/action';

  it('chooses by the one key of the body', async () => {
    const answer = await client.post(action, { grow: { by: 1 } }, { token: MEMBER });
    expect(answer.status).toBe(202);
    expect(answer.text).toBe('');
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  it.each([
    [{ fly: null }, 'There is no such action: fly.'],
    [{ grow: null, shrink: null }, 'Malformed request body'],
    [[], 'Malformed request body'],
    [{}, 'Malformed request body'],
  ])('refuses %j', async (body, message) => {
    const answer = await client.post(action, body);
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toContain(message);
  });

  it('says that an empty body is no action', async () => {
    const answer = await client.ask('POST', action);
    expect(answer.json.badRequest.message).toContain('There is no such action: None.');
  });

  it('does not know an action below its microversion', async () => {
    expect((await client.post(action, { shrink: null }, { microversion: 19 })).status).toBe(404);
    expect((await client.post(action, { shrink: null }, { microversion: 20 })).status).toBe(202);
  });

  it('refuses who has not the role for it, by the name of the rule', async () => {
    const answer = await client.post(action, { shrink: null }, { token: MEMBER });
    expect(answer.status).toBe(403);
    expect(answer.json).toEqual({
      forbidden: { code: 403, message: "Policy doesn't allow volume:force_delete to be performed." },
    });
  });

  it("does not find another project's thing, but an administrator does", async () => {
    expect((await client.post('/v3/demo/things/blue/action', { grow: null }, { token: MEMBER })).status).toBe(404);
    expect((await client.post('/v3/demo/things/blue/action', { grow: null }, { token: ADMIN })).status).toBe(202);
  });
});
