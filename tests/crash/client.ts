/** What a server answered. */
export interface Answer {
  readonly status: number;
  /** `req-<uuid>`: the log names it as the correlation id of what the request did. */
  readonly requestId: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of any shape
  readonly json: any;
}

/** Null: no answer came, so whether the request was carried out is not known. */
export type MaybeAnswer = Answer | null;

export interface Ask {
  readonly project?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** How long an answer is waited for; without it, for as long as the connection lasts. */
  readonly timeoutMs?: number;
}

/** Sends one request somewhere; resolves to null when no answer comes. */
export type Sender = (url: string, method: string, path: string, options?: Ask) => Promise<MaybeAnswer>;

/** Sends one request as an administrator of a project; resolves to null when the connection breaks. */
export const ask: Sender = async (url, method, path, options) => {
  const answer = await askOnce(url, method, path, options);
  return answer === 'not sent' ? null : answer;
};

/** The same, telling where nobody listened from where no answer came: then it may be sent elsewhere. */
export async function askOnce(
  url: string,
  method: string,
  path: string,
  options: Ask = {},
): Promise<MaybeAnswer | 'not sent'> {
  const { project = 'alpha', body, headers = {}, timeoutMs } = options;
  const sent = await fetch(`${url}/v3/${project}${path}`, {
    method,
    headers: {
      'X-Auth-Token': `tester:${project}`,
      'OpenStack-API-Version': 'volume 3.71',
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
  })
    .then(async (response) => ({ response, text: await response.text() }))
    .catch((error) => (error?.cause?.code === 'ECONNREFUSED' ? 'not sent' : null));
  if (sent === null || sent === 'not sent') return sent;
  const { response, text } = sent;
  const requestId = response.headers.get('x-openstack-request-id') ?? '';
  return { status: response.status, requestId, json: text === '' ? undefined : JSON.parse(text) };
}

/** The same, where no answer is a failure. */
export async function mustAsk(url: string, method: string, path: string, options: Ask = {}): Promise<Answer> {
  const answer = await ask(url, method, path, options);
  if (answer === null) throw new Error(`${method} ${path}: no answer`);
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.json)}`);
  return answer;
}

/** Every item of a list, page by page. */
export async function listAll<T extends { readonly id: string }>(url: string, path: string, key: string): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const marker = all.at(-1)?.id;
    const query = `all_tenants=1&limit=500${marker === undefined ? '' : `&marker=${marker}`}`;
    const page = (await mustAsk(url, 'GET', `${path}?${query}`)).json[key] as T[];
    all.push(...page);
    if (page.length < 500) return all;
  }
}
