import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startThingServer, type ThingServer } from './things.ts';

let client: ThingServer;

beforeAll(async () => {
  client = await startThingServer();
});
afterAll(() => client.close());

describe('what operators ask for', () => {
  it.each(['/healthz', '/healthcheck'])('%s answers OK without a token', async (path) => {
    const answer = await client.get(path, { token: null });
    expect([answer.status, answer.text]).toEqual([200, 'OK']);
  });

  it('/readyz says what is missing', async () => {
    const answer = await client.get('/readyz', { token: null });
    expect([answer.status, answer.json]).toEqual([503, { ready: false, missing: ['read models'] }]);
  });

  it('/metrics counts requests by operation and status', async () => {
    await client.get('/v3/demo/things');
    const { text } = await client.get('/metrics', { token: null });
    expect(text).toMatch(/scoria_http_requests_total\{operation="things-list",status="200"\} [1-9]/);
    expect(text).toMatch(/scoria_http_request_duration_seconds_bucket\{operation="things-list",le="\+Inf"\} [1-9]/);
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('/openapi.json describes routes, actions as one of several', async () => {
    const { json } = await client.get('/openapi.json', { token: null });
    expect(json.paths['/v3/{project_id}/things'].post.operationId).toBe('things-create');
    const schema =
      json.paths['/v3/{project_id}/things/{thing_id}/action'].post.requestBody.content['application/json'].schema;
    expect(schema.oneOf.map(({ title }: { title: string }) => title)).toEqual(['things-grow', 'things-shrink']);
  });

  it('/docs is a page', async () => {
    const answer = await client.get('/docs', { token: null });
    const page =
      answer.status === 200 ? answer : await client.get(answer.headers.get('location') ?? '', { token: null });
    expect(page.status).toBe(200);
    expect(page.text).toContain('swagger');
  });
});
