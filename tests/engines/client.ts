import { setTimeout as sleep } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of any kind, looked into by tests
  readonly body: any;
  readonly retryAfter: string | null;
  readonly ms: number;
}

export interface EngineClient {
  call(method: string, path: string, body?: object, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Tries again until it holds, or fails with the last answer. */
  until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<void>;
  createVolume(name: string): Promise<Answer>;
  statusOf(id: string): Promise<string>;
  readyz(): Promise<Answer>;
}

/** A client of a server that listens here, for tests that take its stores away. */
export function clientOf(base: () => string): EngineClient {
  const send = async (method: string, url: string, body?: object, more: Readonly<Record<string, string>> = {}) => {
    const startedMs = performance.now();
    const response = await fetch(url, {
      method,
      headers: { 'X-Auth-Token': 'admin:demo', 'Content-Type': 'application/json', ...more },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text.startsWith('{') ? JSON.parse(text) : text,
      retryAfter: response.headers.get('retry-after'),
      ms: performance.now() - startedMs,
    };
  };
  const call: EngineClient['call'] = (method, path, body, headers) =>
    send(method, `${base()}/v3/demo${path}`, body, headers);
  return {
    call,
    until: async (what, withinMs, holds) => {
      const startedMs = performance.now();
      while (performance.now() - startedMs < withinMs) {
        if (await holds().catch(() => false)) return;
        await sleep(100);
      }
      throw new Error(`not within ${withinMs} ms: ${what}`);
    },
    createVolume: (name) => call('POST', '/volumes', { volume: { size: 1, name } }),
    statusOf: async (id) => {
      const { status, body } = await call('GET', `/volumes/${id}`);
      return status === 200 ? body.volume.status : `http ${status}`;
    },
    readyz: () => send('GET', `${base()}/readyz`),
  };
}
