import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';

/**
 * What must come of a request that is not as it should be.
 * - `malformed`: a 4xx, and nothing is left anywhere, not even a note of the refusal.
 * - `refused`: a 4xx by a rule or for want of what it names; at most the note of the refusal is left.
 * - `odd`: what it asks may be allowed; anything but a fault of the server's will do.
 */
export type Expectation = 'malformed' | 'refused' | 'odd';

export interface BadRequest {
  /** In words, for the report: `volumes-create: size is true`. */
  readonly what: string;
  readonly method: string;
  /** As it goes over the wire, query included. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
  readonly expect: Expectation;
  /** The only statuses that will do; without it any 4xx of the expectation. */
  readonly statuses?: readonly number[];
  /** What the sentence of the fault must name. */
  readonly naming?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly ms: number;
}

export const ADMIN = 'root:demo';
export const LATEST = 'volume 3.71';

/** Headers of a request that nothing is wrong with but what `more` says; null takes one away. */
export function headersWith(
  more: Readonly<Record<string, string | readonly string[] | null>> = {},
): Record<string, string | readonly string[]> {
  const headers = {
    'X-Auth-Token': ADMIN,
    'OpenStack-API-Version': LATEST,
    'Content-Type': 'application/json',
    ...more,
  };
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
}

/** Sends requests exactly as they are: no path is made tidy, no header is added but Host and the length. */
export interface Sender {
  send(request: BadRequest): Promise<Answer>;
  close(): void;
}

const ANSWER_WITHIN_MS = 10_000;

export function createSender(url: string, connections = 8): Sender {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const send = ({ method, path, headers = headersWith(), body }: BadRequest): Promise<Answer> =>
    new Promise((resolve, fail) => {
      const startedAt = performance.now();
      const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
      const sent = httpRequest(
        { agent, hostname, port, method, path, headers: { ...length, ...headers } as Record<string, string> },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', fail);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              ms: performance.now() - startedAt,
            });
          });
        },
      );
      sent.setTimeout(ANSWER_WITHIN_MS, () => sent.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)));
      sent.on('error', fail);
      sent.end(body);
    });
  return { send, close: () => agent.destroy() };
}
