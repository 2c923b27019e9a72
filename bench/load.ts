/**
 * The load generator, a process of its own: does one job that is given as JSON and prints what it measured as JSON.
 * Other benchmarks call `runLoad`.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import autocannon, { type Result } from 'autocannon';
import { Pool } from 'undici';

export const HEADERS = { 'X-Auth-Token': 'admin:demo', 'OpenStack-API-Version': 'volume 3.71' };

export type Job =
  /** GETs one of the paths after the other over so many connections. */
  | {
      readonly kind: 'get';
      readonly url: string;
      readonly paths: readonly string[];
      readonly connections: number;
      readonly seconds: number;
    }
  /** Creates `count` volumes, `connections` at a time; with `wait` each of them waits until its volume is available. */
  | {
      readonly kind: 'create';
      readonly url: string;
      readonly count: number;
      readonly connections: number;
      readonly wait: boolean;
    }
  /** Deletes volumes; with `wait` each connection waits until its volume is gone. */
  | {
      readonly kind: 'delete';
      readonly url: string;
      readonly ids: readonly string[];
      readonly connections: number;
      readonly wait: boolean;
    };

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requests: number;
  /** From the first request until the server had nothing more to do: the last volume available, or gone. */
  readonly elapsedMs: number;
  readonly durationsMs: readonly number[];
  readonly ids: readonly string[];
}

/** Does a job in a process of its own. Throws where a request was not answered as it should be. */
export async function runLoad(job: Job): Promise<Measured> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(job));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (status !== 0) throw new Error(`the load generator failed at ${job.kind}`);
  return JSON.parse(output) as Measured;
}

async function get({ url, paths, connections, seconds }: Extract<Job, { kind: 'get' }>): Promise<Measured> {
  const durationsMs: number[] = [];
  const options = {
    ...{ url, connections, duration: seconds, headers: HEADERS },
    requests: paths.map((path) => ({ path })),
  };
  const result = await new Promise<Result>((resolve, reject) => {
    const instance = autocannon(options, (error, done) => (error ? reject(error) : resolve(done)));
    // its own histogram counts whole milliseconds
    instance.on('response', (_client, _status, _bytes, responseMs) => durationsMs.push(responseMs));
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refused, ${result.errors} errors`);
  const { average, total } = result.requests;
  const sorted = Float64Array.from(durationsMs).sort();
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  const elapsedMs = seconds * 1_000;
  const rates = { perSecond: average, p50Ms: at(0.5), p99Ms: at(0.99), requests: total, elapsedMs };
  return { ...rates, durationsMs: [], ids: [] };
}

type Client = ReturnType<typeof clientOf>;

function clientOf(url: string, connections: number) {
  const pool = new Pool(url, { connections });
  return async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<[number, unknown]> => {
    const headers = { ...HEADERS, 'Content-Type': 'application/json' };
    const text = body === undefined ? null : JSON.stringify(body);
    const answer = await pool.request({ method, path, headers, body: text });
    const content = await answer.body.text();
    return [answer.statusCode, content === '' ? null : JSON.parse(content)];
  };
}

/** Between two looks at a volume: short against what is measured, long against what a look costs the server. */
const LOOK_EVERY_MS = 2;

async function until(look: () => Promise<boolean>, everyMs = LOOK_EVERY_MS): Promise<void> {
  while (!(await look())) await sleep(everyMs);
}

const isAvailable = async (client: Client, id: string): Promise<boolean> => {
  const [status, body] = await client('GET', `/v3/demo/volumes/${id}`);
  const volume = (body as { volume?: { status?: string } } | null)?.volume;
  if (status !== 200 || volume?.status === 'error') throw new Error(`volume ${id}: ${status} ${volume?.status}`);
  return volume?.status === 'available';
};

const isGone = async (client: Client, id: string): Promise<boolean> =>
  (await client('GET', `/v3/demo/volumes/${id}`))[0] === 404;

/** No volume of the project is in this status any more. */
const noneIn = async (client: Client, status: string): Promise<boolean> => {
  const [code, body] = await client('GET', `/v3/demo/volumes?status=${status}&limit=1`);
  if (code !== 200) throw new Error(`listing volumes in ${status}: ${code}`);
  return (body as { volumes: readonly unknown[] }).volumes.length === 0;
};

/** Does `work` for 0 to `count` - 1, so many at a time, and then waits until the server has done its part. */
async function sideBySide(
  count: number,
  connections: number,
  work: (index: number) => Promise<void>,
  settled: () => Promise<void>,
): Promise<Omit<Measured, 'ids'>> {
  const durationsMs: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      const startedAt = performance.now();
      await work(index);
      durationsMs.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, worker));
  const answeredMs = performance.now() - startedAt;
  await settled();
  const elapsedMs = performance.now() - startedAt;
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  const perSecond = (count / answeredMs) * 1_000;
  return { perSecond, p50Ms: at(0.5), p99Ms: at(0.99), requests: count, elapsedMs, durationsMs };
}

async function create({ url, count, connections, wait }: Extract<Job, { kind: 'create' }>): Promise<Measured> {
  const client = clientOf(url, connections);
  const ids: string[] = [];
  const createOne = async (index: number): Promise<void> => {
    const volume = { name: `volume-${index}`, size: 1, metadata: { bench: 'yes' } };
    const [status, body] = await client('POST', '/v3/demo/volumes', { volume });
    if (status !== 202) throw new Error(`create: ${status} ${JSON.stringify(body)}`);
    const { id } = (body as { volume: { id: string } }).volume;
    ids.push(id);
    if (wait) await until(() => isAvailable(client, id));
  };
  const measured = await sideBySide(count, connections, createOne, () => until(() => noneIn(client, 'creating'), 10));
  return { ...measured, ids };
}

async function remove({ url, ids, connections, wait }: Extract<Job, { kind: 'delete' }>): Promise<Measured> {
  const client = clientOf(url, connections);
  const deleteOne = async (index: number): Promise<void> => {
    const id = ids[index] ?? '';
    const [status, body] = await client('DELETE', `/v3/demo/volumes/${id}`);
    if (status !== 202) throw new Error(`delete: ${status} ${JSON.stringify(body)}`);
    if (wait) await until(() => isGone(client, id));
  };
  const settled = () => until(() => noneIn(client, 'deleting'), 10);
  const measured = await sideBySide(ids.length, connections, deleteOne, settled);
  return { ...measured, ids: [] };
}

if (import.meta.main) {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  const job = JSON.parse(text) as Job;
  const measured = job.kind === 'get' ? await get(job) : job.kind === 'create' ? await create(job) : await remove(job);
  process.stdout.write(JSON.stringify(measured), () => process.exit(0));
}
