import { type Heard, type RawOptions, type Script, speak } from './raw-client.ts';

/** A connection that does not behave. `verdict` says what is wrong with what it heard; null where nothing is. */
export interface SocketCase {
  readonly what: string;
  readonly script: Script;
  readonly options?: RawOptions;
  readonly verdict: (heard: Heard) => string | null;
}

const LINES = '\r\n';
const HEADERS = `Host: scoria${LINES}X-Auth-Token: root:demo${LINES}OpenStack-API-Version: volume 3.71${LINES}`;
const JSON_TYPE = `Content-Type: application/json${LINES}`;
const CREATE = JSON.stringify({ volume: { size: 1, name: 'smuggled' } });

const head = (line: string, headers = ''): string => `${line} HTTP/1.1${LINES}${HEADERS}${headers}${LINES}`;
const create = (headers: string, body: string): string => head('POST /v3/demo/volumes', JSON_TYPE + headers) + body;
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}${LINES}${text}${LINES}`;

/** One answer, of these statuses, and the connection is closed, so that nothing behind it is taken for a request. */
const refusedAndClosed =
  (...statuses: readonly number[]) =>
  (heard: Heard): string | null => {
    const [first] = heard.statuses;
    if (heard.statuses.length !== 1 || first === undefined || !statuses.includes(first)) return told(heard);
    return heard.closed ? null : `the connection stays open: ${told(heard)}`;
  };

/** Closed, with or without a word. */
const closed = (heard: Heard): string | null =>
  heard.closed && heard.statuses.every((status) => status >= 400 && status < 500) ? null : told(heard);

const answers =
  (...statuses: readonly number[]) =>
  (heard: Heard): string | null =>
    heard.statuses.join() === statuses.join() ? null : told(heard);

const nothingToSay = (): null => null;

const told = ({ statuses, closed: isClosed, afterMs, text }: Heard): string =>
  `heard ${statuses.join(', ') || 'nothing'}, ${isClosed ? 'closed' : 'open'} after ${afterMs.toFixed(0)} ms: ${text.slice(0, 120)}`;

const refused = (what: string, script: Script, ...statuses: readonly number[]): SocketCase => ({
  what,
  script,
  verdict: refusedAndClosed(...(statuses.length === 0 ? [400] : statuses)),
});

/** Two readers of one stream of bytes must not disagree where a request ends: what is not clear is refused. */
const SMUGGLING: readonly SocketCase[] = [
  refused('Content-Length and Transfer-Encoding', [
    create(`Content-Length: 5${LINES}Transfer-Encoding: chunked${LINES}`, `0${LINES}${LINES}`),
  ]),
  refused('Transfer-Encoding and Content-Length', [
    create(`Transfer-Encoding: chunked${LINES}Content-Length: 5${LINES}`, `0${LINES}${LINES}`),
  ]),
  refused('two lengths', [create(`Content-Length: ${CREATE.length}${LINES}Content-Length: 5${LINES}`, CREATE)]),
  refused('a list of lengths', [create(`Content-Length: ${CREATE.length}, ${CREATE.length}${LINES}`, CREATE)]),
  refused('a negative length', [create(`Content-Length: -1${LINES}`, CREATE)]),
  refused('a length with a sign', [create(`Content-Length: +${CREATE.length}${LINES}`, CREATE)]),
  refused('a length in hexadecimal', [create(`Content-Length: 0x10${LINES}`, CREATE)]),
  refused('a length beyond all numbers', [create(`Content-Length: 99999999999999999999${LINES}`, CREATE)]),
  refused('a length beyond the limit', [create(`Content-Length: 114689${LINES}`, '')], 413),
  refused('an unknown encoding', [create(`Transfer-Encoding: xchunked${LINES}`, chunk(CREATE))]),
  refused('an encoding behind chunked', [create(`Transfer-Encoding: chunked, identity${LINES}`, chunk(CREATE))]),
  refused('an encoding with a vertical tab', [create(`Transfer-Encoding: \u000bchunked${LINES}`, chunk(CREATE))]),
  refused('chunks of no length', [
    create(`Transfer-Encoding: chunked${LINES}`, `zz${LINES}${CREATE}${LINES}0${LINES}${LINES}`),
  ]),
  refused('a chunk of more than there is', [
    create(`Transfer-Encoding: chunked${LINES}`, `2${LINES}${CREATE}${LINES}`),
  ]),
  refused('a chunk of a length beyond all numbers', [
    create(`Transfer-Encoding: chunked${LINES}`, `ffffffffffffffffff${LINES}`),
  ]),
  refused(
    'chunks beyond the limit',
    [create(`Transfer-Encoding: chunked${LINES}`, chunk('x'.repeat(60_000)).repeat(3))],
    413,
  ),
  refused(
    'extensions of a chunk without end',
    [create(`Transfer-Encoding: chunked${LINES}`, `5;${'a'.repeat(60_000)}`)],
    413,
  ),
  refused('a space before the colon', [create(`Content-Length : ${CREATE.length}${LINES}`, CREATE)]),
  refused('a folded header', [head('GET /v3/demo/limits', `X-A: b${LINES} Transfer-Encoding: chunked${LINES}`)]),
  refused('a header without a colon', [head('GET /v3/demo/limits', `nonsense${LINES}`)]),
  refused('a NUL in a header', [head('GET /v3/demo/limits', `X-A: a\u0000b${LINES}`)]),
  refused('a carriage return in a header', [head('GET /v3/demo/limits', `X-A: a\rX-B: c${LINES}`)]),
  refused('bare line feeds', [`GET /v3/demo/limits HTTP/1.1\nHost: scoria\nX-Auth-Token: root:demo\n\n`]),
  refused('no Host', [`GET /v3/demo/limits HTTP/1.1${LINES}X-Auth-Token: root:demo${LINES}${LINES}`]),
  refused('a request line with a line feed', [`GET /v3/demo/li\nmits HTTP/1.1${LINES}${HEADERS}${LINES}`]),
  {
    what: 'a request within the body of another',
    script: [head('GET /v3/demo/limits', `Content-Length: ${create('', CREATE).length}${LINES}`) + create('', CREATE)],
    verdict: answers(200),
  },
  {
    what: 'line breaks in a path',
    script: [head('GET /v3/demo/volumes/a%0d%0aX-Injected:%201%0d%0a')],
    verdict: ({ statuses, text }) => (statuses[0] === 404 && !/^X-Injected/m.test(text) ? null : text),
  },
  {
    what: 'line breaks in a version that is echoed',
    script: [
      `GET /v3/demo/limits HTTP/1.1${LINES}Host: scoria${LINES}X-Auth-Token: root:demo${LINES}` +
        `OpenStack-API-Version: volume 3.99%0d%0aX-Injected: 1${LINES}${LINES}`,
    ],
    verdict: ({ statuses, text }) => ((statuses[0] ?? 0) >= 400 && !/^X-Injected/m.test(text) ? null : text),
  },
];

/** What is no HTTP, or too much of it. */
const NO_HTTP: readonly SocketCase[] = [
  refused('noise', [Buffer.from([0, 255, 1, 254, 13, 10, 13, 10])]),
  refused('words', [`hello${LINES}${LINES}`]),
  refused('a TLS greeting', [Buffer.from('16030100c8010000c40303', 'hex')]),
  refused('HTTP/2', [`PRI * HTTP/2.0${LINES}${LINES}SM${LINES}${LINES}`]),
  refused('HTTP/9.9', [`GET /v3/demo/limits HTTP/9.9${LINES}${HEADERS}${LINES}`]),
  refused('a method of nobody', [`FLY /v3/demo/limits HTTP/1.1${LINES}${HEADERS}${LINES}`]),
  refused('a path of 20,000 letters', [head(`GET /v3/${'a'.repeat(20_000)}`)], 431),
  refused('a header of 20,000 letters', [head('GET /v3/demo/limits', `X-A: ${'a'.repeat(20_000)}${LINES}`)], 431),
  refused(
    '5,000 headers',
    [head('GET /v3/demo/limits', Array.from({ length: 5_000 }, (_, n) => `X-${n}: a${LINES}`).join(''))],
    431,
  ),
  { what: 'a tunnel', script: [head('CONNECT 127.0.0.1:22')], verdict: closed },
  {
    what: 'an upgrade that nobody offers',
    script: [head('GET /v3/demo/limits', `Connection: Upgrade${LINES}Upgrade: websocket${LINES}`)],
    verdict: answers(200),
  },
  {
    what: 'an expectation that nobody meets',
    script: [create(`Expect: the-spanish-inquisition${LINES}Content-Length: ${CREATE.length}${LINES}`, '')],
    verdict: ({ statuses }) => (statuses[0] === 417 ? null : statuses.join()),
  },
];

/** Clients that go away, or stop half-way. */
const BROKEN_OFF: readonly SocketCase[] = [
  { what: 'gone before a word', script: [], options: { breakOffAfterMs: 5 }, verdict: nothingToSay },
  {
    what: 'gone within the headers',
    script: ['GET /v3/demo/li'],
    options: { breakOffAfterMs: 20 },
    verdict: nothingToSay,
  },
  {
    what: 'gone within a body',
    script: [create(`Content-Length: ${CREATE.length}${LINES}`, CREATE.slice(0, 20))],
    options: { breakOffAfterMs: 20 },
    verdict: nothingToSay,
  },
  {
    what: 'gone within a chunk',
    script: [create(`Transfer-Encoding: chunked${LINES}`, `ff${LINES}${CREATE}`)],
    options: { breakOffAfterMs: 20 },
    verdict: nothingToSay,
  },
  {
    what: 'no more to say within the headers',
    script: ['GET /v3/demo/li'],
    options: { halfClose: true },
    verdict: closed,
  },
  {
    what: 'no more to say within a body',
    script: [create(`Content-Length: 1000${LINES}`, CREATE)],
    options: { halfClose: true },
    verdict: closed,
  },
  {
    what: 'no more to say, but listening',
    script: [head('GET /v3/demo/limits')],
    options: { halfClose: true },
    verdict: (heard) => (heard.statuses[0] === 200 && heard.closed ? null : told(heard)),
  },
  {
    what: '50 requests at once are answered in their order',
    script: [
      Array.from({ length: 50 }, (_, n) => head(`GET /v3/demo/volumes?limit=${n % 2 === 0 ? '1' : 'x'}`)).join(''),
    ],
    verdict: answers(...Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? 200 : 400))),
  },
  {
    what: 'what follows a malformed request is not read',
    script: [
      `${head('GET /v3/demo/limits')}nonsense${LINES}${LINES}${create(`Content-Length: ${CREATE.length}${LINES}`, CREATE)}`,
    ],
    verdict: (heard) =>
      heard.closed && heard.statuses.every((status) => [200, 400].includes(status)) ? null : told(heard),
  },
];

/** Clients that take their time. `requestTimeoutMs`: what the server gives a request. */
const slow = (requestTimeoutMs: number): readonly SocketCase[] => {
  // its own time, one look at the connections and some more where the machine is busy
  const listenMs = 2 * requestTimeoutMs + 1_000;
  const dripping = (text: string): Script => [...text].flatMap((letter) => [letter, 50]);
  const cutOff = (heard: Heard): string | null =>
    heard.closed && heard.statuses.every((status) => status === 408) && heard.afterMs < listenMs ? null : told(heard);
  const long = 'x'.repeat(400);
  return [
    { what: 'nothing at all', script: [], options: { listenMs }, verdict: cutOff },
    { what: 'half a request line', script: ['GET /v3/demo'], options: { listenMs }, verdict: cutOff },
    {
      what: 'headers letter by letter',
      script: dripping(head('GET /v3/demo/limits', `X-A: ${long}${LINES}`)),
      verdict: cutOff,
    },
    {
      what: 'a body letter by letter',
      script: [create(`Content-Length: 10000${LINES}`, ''), ...dripping(long)],
      verdict: cutOff,
    },
    {
      what: 'a chunk letter by letter',
      script: [create(`Transfer-Encoding: chunked${LINES}`, `ffff${LINES}`), ...dripping(long)],
      verdict: cutOff,
    },
    {
      what: 'a body that never comes',
      script: [create(`Content-Length: 100${LINES}`, '')],
      options: { listenMs },
      verdict: cutOff,
    },
    {
      what: 'a GET with a body that never ends',
      script: [head('GET /v3/demo/limits', `Content-Length: 1000000${LINES}`), ...dripping(long)],
      verdict: ({ statuses, closed: isClosed }) =>
        statuses[0] === 200 && isClosed ? null : `${statuses.join()} ${isClosed}`,
    },
  ];
};

export const socketCases = (requestTimeoutMs: number): readonly SocketCase[] => [
  ...SMUGGLING,
  ...NO_HTTP,
  ...BROKEN_OFF,
  ...slow(requestTimeoutMs),
];

/** What is wrong with how the server treats such a connection; null where nothing is. */
export const trySocket = async (url: string, { script, options, verdict }: SocketCase): Promise<string | null> =>
  verdict(await speak(url, script, options));
