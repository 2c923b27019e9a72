import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { parseConfig } from '../../src/config.ts';
import { createCore } from '../../src/server/core.ts';
import { createOperations } from '../../src/server/operations.ts';
import { stopInOrder } from '../../src/server/stopping.ts';
import { openStores } from '../../src/server/stores.ts';

describe('operations', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'scoria-operations-'));
  afterAll(() => rmSync(dataDir, { recursive: true }));

  it('that cannot save what is unfinished when they are stopped give their backends back all the same, and say so', async () => {
    const logger = pino({ level: 'silent' });
    const config = parseConfig({ dataDir, storage: { backends: [{ name: 'file', pools: [{ name: 'pool' }] }] } });
    const stores = await openStores(config, systemClock, logger);
    const { coordination } = stores;
    const full = { is: false };
    const failing = {
      ...stores,
      coordination: {
        ...coordination,
        putWork: async (work: Parameters<typeof coordination.putWork>[0]) => {
          if (full.is) throw new Error('the disk is full');
          await coordination.putWork(work);
        },
      },
    };
    const core = createCore({ config, stores: failing, clock: systemClock, logger, workerId: 'ann' });
    const operations = createOperations(core);
    await operations.start();
    const backend = `backend-${config.hostName}@file`;
    expect(await coordination.acquire(backend, 'bob', 60_000), 'it is held').toBeNull();
    full.is = true;
    await expect(operations.stop()).rejects.toThrow('the disk is full');
    expect(await coordination.acquire(backend, 'bob', 60_000), 'it was given back').not.toBeNull();
    await core.refusals.settled();
    await stores.close();
  });
});

describe('what is stopped in order', () => {
  it('is all stopped, one group after the other, and the first failure is told at the end', async () => {
    const stopped: string[] = [];
    const stop = (name: string) => async () => {
      await Promise.resolve();
      stopped.push(name);
    };
    const failing = (message: string) => async () => {
      throw new Error(message);
    };
    const atOnce = (): never => {
      throw new Error('second');
    };
    const stopping = stopInOrder([[stop('a'), failing('first'), stop('b')], [atOnce, stop('c')], [stop('d')]]);
    await expect(stopping).rejects.toThrow('first');
    expect(stopped).toEqual(['a', 'b', 'c', 'd']);
  });
});
