import { describe, expect, it } from 'vitest';
import { createCommandHandler } from '../../src/commands/handle.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { volumesCollection } from '../../src/projections/volumes.ts';
import { createDriftWatch } from '../../src/sagas/detect-drift.ts';
import type { Backends, BackendWorker } from '../../src/sagas/services.ts';
import { createMemoryEventStore } from '../commands/memory-event-store.ts';
import { createMemoryReadStore } from '../projections/memory-read-store.ts';
import { createScriptedDriver } from './scripted-driver.ts';
import { createTestClock } from './test-clock.ts';

const HOST = 'node@a';
const VOLUMES = 205;

describe('the comparison of a backend with the log', () => {
  it('gives others their turn while it judges a backend that has lost everything', async () => {
    const clock = createTestClock();
    const eventStore = createMemoryEventStore(() => clock.now());
    const real = createCommandHandler({ eventStore, clock });
    let loaded = 0;
    let atOnce = 0;
    let mostAtOnce = 0;
    const handler: typeof real = {
      ...real,
      load: (aggregate, stream) => {
        loaded += 1;
        atOnce += 1;
        mostAtOnce = Math.max(mostAtOnce, atOnce);
        return real.load(aggregate, stream);
      },
    };
    const counting: Clock = {
      ...clock,
      sleep: (ms, signal) => {
        atOnce = 0;
        return clock.sleep(ms, signal);
      },
    };
    const documents = Array.from({ length: VOLUMES }, (_, n) => ({ id: `v${n}`, host: `${HOST}#one`, sizeGiB: 1 }));
    const readStore = {
      ...createMemoryReadStore(),
      find: async (collection: string) => (collection === volumesCollection.name ? documents : []),
    };
    const worker = { host: HOST, driver: createScriptedDriver() } as unknown as BackendWorker;
    const watch = createDriftWatch({
      ...{ hosts: [HOST], readStore, handler, clock: counting },
      backends: { forPool: () => worker } as unknown as Backends,
      logger: { info: () => {}, warn: () => {}, error: () => {} },
    });
    watch.start();
    await clock.until(() => watch.found().length === 1);
    expect(loaded).toBe(VOLUMES);
    expect(mostAtOnce).toBeLessThanOrEqual(20);
    const stopped = watch.stop();
    await clock.until(() => true);
    await stopped;
  });
});
