import type { FastifyInstance } from 'fastify';

export interface Ask {
  /** `user:project[:role,role]`; null sends none. */
  readonly token?: string | null;
  /** Second number of the microversion, or the header as it is; null sends none. */
  readonly microversion?: number | string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body parsed; undefined where it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  readonly json: any;
}

/** A listening server as tests talk to it. */
export interface Client {
  readonly url: string;
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
  get(path: string, ask?: Ask): Promise<Answer>;
  post(path: string, body: unknown, ask?: Ask): Promise<Answer>;
  put(path: string, body: unknown, ask?: Ask): Promise<Answer>;
  delete(path: string, ask?: Ask): Promise<Answer>;
}

export const ADMIN = 'root:demo';
export const MEMBER = 'ann:demo:member';
export const READER = 'rita:demo:reader';
export const STRANGER = 'sam:other:member';

/** Listens on a free port of loopback and returns a client of it. */
export async function listen(app: FastifyInstance): Promise<Client> {
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const ask: Client['ask'] = async (method, path, { token = ADMIN, microversion = 71, headers = {}, body } = {}) => {
    const version = typeof microversion === 'number' ? `volume 3.${microversion}` : microversion;
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === null ? {} : { 'X-Auth-Token': token }),
        ...(version === null ? {} : { 'OpenStack-API-Version': version }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  };
  return {
    url,
    ask,
    get: (path, options) => ask('GET', path, options),
    post: (path, body, options) => ask('POST', path, { ...options, body }),
    put: (path, body, options) => ask('PUT', path, { ...options, body }),
    delete: (path, options) => ask('DELETE', path, options),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
