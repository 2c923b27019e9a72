import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { StoreUnavailable } from '../../src/ports/event-store.ts';
import { EnginesAway } from '../../src/server/engine-reasons.ts';
import { type Attempt, startWhenEnginesAnswer } from '../../src/server/waiting-for-engines.ts';
import { reservedPort } from '../engines/reserved-port.ts';

const LIMITS = { publicEndpoint: null, maxLimit: 1_000, requestTimeoutSeconds: 30, maxConnections: 100 };
const away = (passing: boolean, reason = 'nobody there') =>
  new EnginesAway([{ engine: 'event store', reason, passing }]);

const waiting = (port: number, stores: { eventStore: string; readStore: string }) => {
  const lines: string[] = [];
  const add =
    (level: string) =>
    (_: object, message: string): number =>
      lines.push(`${level} ${message}`);
  const logger = { info: add('info'), warn: add('warn'), error: add('error') };
  const config = { ...stores, server: { host: '127.0.0.1', port, ...LIMITS } };
  const start = <S>(attempt: (attempt: Attempt) => Promise<S>): Promise<S> =>
    startWhenEnginesAnswer({ config, clock: systemClock, logger }, attempt);
  return { lines, start };
};

const ENGINES = { eventStore: 'esdb://127.0.0.1', readStore: 'mongodb://127.0.0.1' };

describe('a start whose engines are away', () => {
  it('is tried again, says on its port what is missing, frees the port, and logs each change once', async () => {
    const port = await reservedPort();
    const { lines, start } = waiting(port, ENGINES);
    const seen: unknown[] = [];
    let attempts = 0;
    const server = await start(async ({ freePort }) => {
      attempts += 1;
      if (attempts > 1) {
        const base = `http://127.0.0.1:${port}`;
        const live = await fetch(`${base}/healthz`);
        const ready = await fetch(`${base}/readyz`);
        const other = await fetch(`${base}/v3/demo/volumes`);
        const { missing } = (await ready.json()) as { missing: readonly string[] };
        seen.push([live.status, ready.status, missing, other.status, other.headers.get('retry-after')]);
      }
      if (attempts <= 2) throw away(true, `nobody there, attempt ${attempts}`);
      if (attempts === 3) throw away(false, 'wrong password');
      if (attempts === 4) throw new StoreUnavailable('MongoDB: gone again', 'not-done');
      await freePort();
      const listening = createServer();
      await new Promise<void>((done) => listening.listen(port, '127.0.0.1', done));
      return listening;
    });
    server.close();
    expect(seen).toEqual([
      [200, 503, ['event store: nobody there, attempt 1'], 503, '2'],
      [200, 503, ['event store: nobody there, attempt 2'], 503, '2'],
      [200, 503, ['event store: wrong password'], 503, '2'],
      [200, 503, ['read store: MongoDB: gone again'], 503, '2'],
    ]);
    expect(lines).toEqual([
      'warn engines cannot be used: waiting for them',
      'error engines cannot be used: waiting for them',
      'warn engines cannot be used: waiting for them',
      'info engines answer: started',
    ]);
  });

  it('names engines that have not answered while the first attempt is under way', async () => {
    const port = await reservedPort();
    const { start } = waiting(port, ENGINES);
    await start(async ({ awaited, freePort }) => {
      awaited.add('read store');
      await systemClock.sleep(700);
      const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
      expect(await ready.json()).toEqual({ ready: false, missing: ['read store: has not answered yet'] });
      await freePort();
    });
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });

  it('fails at once for what is no fault of an engine, and where there is none', async () => {
    const port = await reservedPort();
    const broken = async (): Promise<never> => {
      throw new Error('port is taken');
    };
    await expect(waiting(port, ENGINES).start(broken)).rejects.toThrow('port is taken');
    const full = async (): Promise<never> => {
      throw new StoreUnavailable('disk full', 'not-done');
    };
    await expect(waiting(port, ENGINES).start(full)).rejects.toThrow('disk full');
    const embedded = waiting(port, { eventStore: 'sqlite', readStore: 'sqlite' });
    const engineLike = async (): Promise<never> => {
      throw away(true);
    };
    await expect(embedded.start(engineLike)).rejects.toThrow('nobody there');
  });
});
