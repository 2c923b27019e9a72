import { afterAll, beforeAll, expect, it } from 'vitest';
import { READER } from './http-client.ts';
import { sample } from './samples.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

it('extensions are listed as the original lists them', async () => {
  const answer = await server.get('/v3/demo/extensions', { token: READER });
  expect(answer.json).toEqual(sample('extensions/extensions-list-response.json'));
});

it('one is shown by its alias; another is not found', async () => {
  const answer = await server.get('/v3/extensions/os-services', { token: READER });
  expect(answer.json.extension).toMatchObject({ alias: 'os-services', name: 'Services', links: [] });
  const missing = await server.get('/v3/extensions/nosuch');
  expect([missing.status, missing.json.itemNotFound.message]).toEqual([404, 'The resource could not be found.']);
});
