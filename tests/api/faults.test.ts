import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startThingServer, type ThingServer } from './things.ts';

let client: ThingServer;

beforeAll(async () => {
  client = await startThingServer();
});
afterAll(() => client.close());

describe('faults', () => {
  it.each([
    ['InvalidVolume', 400, 'badRequest', 'Invalid volume: it is busy'],
    ['VolumeNotFound', 404, 'itemNotFound', 'Volume v1 could not be found.'],
    ['Conflict', 409, 'conflictingRequest', 'not now'],
    ['TryAgain', 503, 'serviceUnavailable', 'busy'],
  ])('the refusal %s is %d %s', async (code, status, key, message) => {
    const answer = await client.post(`/v3/refusals/${code}`, undefined);
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({ [key]: { code: status, message } });
    expect(answer.headers.get('OpenStack-API-Version')).toBe('volume 3.71');
  });

  it('over quota is 413 with a retry time of nought', async () => {
    const answer = await client.post('/v3/refusals/VolumeLimitExceeded', undefined);
    expect(answer.status).toBe(413);
    expect(answer.json.overLimit).toMatchObject({ code: 413, retryAfter: '0' });
    expect(answer.json.overLimit.message).toMatch(/^VolumeLimitExceeded: /);
    expect(answer.headers.get('Retry-After')).toBe('0');
  });

  it('says nothing of what went wrong inside, and logs it', async () => {
    const answer = await client.get('/v3/throws/bug');
    expect(answer.status).toBe(500);
    expect(answer.json.computeFault.code).toBe(500);
    expect(answer.text).not.toContain('secrets');
    expect(client.logged.join('')).toContain('select * from secrets');
    expect(client.logged.join('')).toContain(answer.headers.get('x-openstack-request-id'));
  });

  it('a store that is down is 503 with the time to wait', async () => {
    const answer = await client.get('/v3/throws/down');
    expect(answer.status).toBe(503);
    expect(answer.json.serviceUnavailable.code).toBe(503);
    expect(answer.headers.get('Retry-After')).toBe('3');
    expect(answer.text).not.toContain('quorum');
  });

  it('an event from a newer build is 503', async () => {
    expect((await client.get('/v3/throws/newer')).status).toBe(503);
  });
});
