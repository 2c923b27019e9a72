import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/api/routes.ts';
import { MEMBER } from './http-client.ts';
import { startTestServer, type TestServer } from './server.ts';

/** Whatever is sent, the answer is a client's fault or a success: never 500, and never silence. */
let server: TestServer;
let volumeId: string;

beforeAll(async () => {
  server = await startTestServer();
  volumeId = await server.availableVolume();
});
afterAll(() => server.close());

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  '',
  ' ',
  '\u0000',
  '😀'.repeat(200),
  'x'.repeat(70_000),
  "'; DROP TABLE volumes; --",
  '../../etc/passwd',
  [],
  [null],
  {},
  { '': '' },
  JSON.parse('{"__proto__": {"isAdmin": true}}'),
  { constructor: 'x', toString: 1 },
  JSON.parse('['.repeat(500) + ']'.repeat(500)),
];

const ODD_QUERIES: readonly string[] = [
  'limit=99999999999999999999',
  'limit=1e3',
  'limit=%00',
  'offset=1.5',
  'marker=%F0%9F%98%80',
  'sort=:,:,:',
  'sort=__proto__',
  'sort_key=constructor',
  'constructor=1',
  '__proto__=1',
  'metadata={',
  "metadata={'a':{'b':'c'}}",
  "metadata={'__proto__':'x'}",
  `status=${'['.repeat(200)}`,
  'size=1e400',
  'size=None',
  'created_at=gt:9999999-01-01',
  'created_at=gt:',
  'name=%ED%A0%80',
  'a=1&a=2&a[]=3',
  '&&&==&',
];

/** The path of a route with odd or real things in place of its parameters. */
const pathOf = (path: string, id: string): string => `/v3${path.replaceAll(/\{\w+\}/g, encodeURIComponent(id))}`;

const enveloped = (path: string, action: string | undefined, value: unknown): readonly unknown[] => {
  const resource = path.split('/')[1]?.replace(/s$/, '') ?? '';
  return [
    value,
    { [action ?? resource]: value },
    { metadata: value },
    { [resource]: { name: value, metadata: value, size: value } },
  ];
};

const writes = ROUTES.filter(({ method }) => method === 'POST' || method === 'PUT');
const reads = ROUTES.filter(({ method }) => method === 'GET');

describe('odd bodies', () => {
  it.each(writes.map((route) => [route.id, route] as const))('%s', async (_id, { method, path, action }) => {
    const bodies = ODD_VALUES.flatMap((value) => enveloped(path, action, value));
    const answers = await Promise.all(
      bodies.map((body) => server.ask(method, pathOf(path, volumeId), { body, token: MEMBER })),
    );
    const wrong = answers.flatMap(({ status, text }, index) =>
      status >= 500 ? [`${status} ${text} to ${JSON.stringify(bodies[index])?.slice(0, 100)}`] : [],
    );
    expect(wrong).toEqual([]);
  });
});

describe('odd queries and ids', () => {
  it.each(reads.map((route) => [route.id, route] as const))('%s', async (_id, { path }) => {
    const ids = ['..', '%', '\u0000', '😀', 'x'.repeat(2_000), "' OR 1=1"];
    const urls = [
      ...ODD_QUERIES.map((query) => `${pathOf(path, volumeId)}?${query}`),
      ...(path.includes('{') ? ids.map((id) => pathOf(path, id)) : []),
    ];
    const answers = await Promise.all(
      urls.flatMap((url) => [server.get(url), server.get(url, { token: MEMBER, microversion: 0 })]),
    );
    const wrong = answers.flatMap(({ status, text }, index) =>
      status >= 500 ? [`${status} ${text} to ${urls[Math.floor(index / 2)]?.slice(0, 100)}`] : [],
    );
    expect(wrong).toEqual([]);
  });
});
