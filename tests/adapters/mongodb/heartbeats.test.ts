import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectMongo } from '../../../src/adapters/mongodb/connection.ts';
import { reconnectWhenStuck } from '../../../src/adapters/mongodb/heartbeats.ts';
import { mongoServer, testDatabase } from './server.ts';

const server = mongoServer();
const direct = /^mongodb:\/\/127\.0\.0\.1:(\d+)/.exec(server.url ?? '')?.[1];

describe('a heartbeat that does not end', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  /** A client whose heartbeats a test makes; `refused` connections fail first. */
  const aClient = (connectTimeoutMS = 5_000) => {
    const done: string[] = [];
    let refused = 0;
    const client = Object.assign(new EventEmitter(), {
      options: { connectTimeoutMS, heartbeatFrequencyMS: 10_000 },
      close: async () => {
        done.push('close');
      },
      connect: async () => {
        done.push('connect');
        refused -= 1;
        if (refused >= 0) throw new Error('refused');
      },
    });
    const heartbeats = reconnectWhenStuck(client as unknown as MongoClient);
    const beat = (what: 'Started' | 'Succeeded' | 'Failed', connectionId = 'a:1', awaited = false): void => {
      client.emit(`serverHeartbeat${what}`, { connectionId, awaited });
    };
    const refuse = (times: number): void => {
      refused = times;
    };
    return { done, beat, heartbeats, refuse };
  };

  it('makes its client connect anew, after the driver’s own limits', async () => {
    const { done, beat } = aClient();
    beat('Started');
    await vi.advanceTimersByTimeAsync(10_999);
    expect(done).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(done).toEqual(['close', 'connect']);
    beat('Started');
    await vi.advanceTimersByTimeAsync(11_000);
    expect(done, 'the next one as well').toEqual(['close', 'connect', 'close', 'connect']);
  });

  it.each(['Succeeded' as const, 'Failed' as const])('is told from one that has %s', async (ending) => {
    const { done, beat } = aClient();
    beat('Started');
    await vi.advanceTimersByTimeAsync(10_500);
    beat(ending);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(done).toEqual([]);
  });

  it('may take longer where the engine is to answer later, and is its own server’s', async () => {
    const { done, beat } = aClient();
    beat('Started', 'a:1', true);
    await vi.advanceTimersByTimeAsync(5_000);
    beat('Started', 'b:1');
    beat('Succeeded', 'b:1');
    await vi.advanceTimersByTimeAsync(15_999);
    expect(done).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(done).toEqual(['close', 'connect']);
  });

  it('makes it try until it is connected, or stopped', async () => {
    const { done, beat, heartbeats, refuse } = aClient();
    refuse(3);
    beat('Started');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(done).toEqual(['close', 'connect', 'connect', 'connect', 'connect']);
    refuse(1_000);
    beat('Started');
    await vi.advanceTimersByTimeAsync(13_000);
    const stopping = heartbeats.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    await stopping;
    const tries = done.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(done).toHaveLength(tries);
  });

  it('has no limit where the URL sets none', async () => {
    const { done, beat } = aClient(0);
    beat('Started');
    await vi.advanceTimersByTimeAsync(600_000);
    expect(done).toEqual([]);
  });
});

describe.skipIf(direct === undefined)(`MongoDB whose connections all end at once (${server.reason})`, () => {
  it('is found again every time, also where the driver has stopped looking for it', async () => {
    const proxy = fork(join(import.meta.dirname, 'cutting-proxy.ts'), [String(direct)]);
    const [port] = await once(proxy, 'message');
    const { database, drop } = testDatabase();
    const url = `mongodb://127.0.0.1:${port}/?directConnection=true&connectTimeoutMS=1000&serverSelectionTimeoutMS=1500`;
    const mongo = await connectMongo({ url, database, deadlineMs: 3_000 });
    let found = 0;
    let going = true;
    // asked at once again: whoever waits for the server as its connections end, wakes the monitor
    const ask = async (): Promise<void> => {
      while (going) {
        await mongo
          .read(() => mongo.db.collection('things').findOne({}))
          .then(
            () => {
              found += 1;
            },
            () => new Promise(setImmediate),
          );
      }
    };
    const asking = Array.from({ length: 30 }, ask);
    for (let cuts = 0; cuts < 6; cuts += 1) {
      await sleep(800);
      proxy.send('cut');
      await sleep(100);
      const before = found;
      for (let waitedMs = 0; found === before && waitedMs < 10_000; waitedMs += 50) await sleep(50);
      expect(found, `after ${cuts + 1} cuts`).toBeGreaterThan(before);
    }
    going = false;
    await Promise.all(asking);
    await mongo.close();
    proxy.disconnect();
    await drop();
  }, 90_000);
});
