import { describe, expect, it } from 'vitest';
import { createCommandHandler } from '../../src/commands/handle.ts';
import type { FoundObject } from '../../src/drivers/storage/driver.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { volumesCollection } from '../../src/projections/volumes.ts';
import { createDriftWatch } from '../../src/sagas/detect-drift.ts';
import type { Backends, BackendWorker } from '../../src/sagas/services.ts';
import { createMemoryEventStore } from '../commands/memory-event-store.ts';
import { createMemoryReadStore } from '../projections/memory-read-store.ts';
import { createScriptedDriver } from './scripted-driver.ts';
import { createTestClock } from './test-clock.ts';

const HOST = 'node@a';
const POOL = `${HOST}#one`;
const GIB = 1024 ** 3;
const IDS = Array.from({ length: 205 }, (_, n) => `v${n}`);

const objectOf = (id: string): FoundObject => ({ kind: 'volume', pool: 'one', name: `volume-${id}`, sizeBytes: GIB });
const streamOf = (id: string) => ({
  ...{ id, backendName: `volume-${id}`, pool: POOL, sizeGiB: 1, status: 'available', owner: null },
  ...{ deleted: false, snapshots: {} },
});

/** A backend that should have 205 volumes; `lying`: what lies there as of so many volumes that were judged. */
function startWatch(lying: (judged: number) => readonly string[]) {
  const clock = createTestClock();
  let loaded = 0;
  let atOnce = 0;
  let mostAtOnce = 0;
  const handler = {
    ...createCommandHandler({ eventStore: createMemoryEventStore(() => clock.now()), clock }),
    load: async (_aggregate: unknown, stream: string) => {
      loaded += 1;
      atOnce += 1;
      mostAtOnce = Math.max(mostAtOnce, atOnce);
      const state = { volume: streamOf(stream.slice('volume-'.length)) };
      return { state, revision: 0n, position: 1n } as never;
    },
  };
  const counting: Clock = {
    ...clock,
    sleep: (ms, signal) => {
      atOnce = 0;
      return clock.sleep(ms, signal);
    },
  };
  const documents = IDS.map((id) => ({ id, host: POOL, sizeGiB: 1 }));
  const readStore = {
    ...createMemoryReadStore(),
    find: async (collection: string) => (collection === volumesCollection.name ? documents : []),
  };
  const list = async function* () {
    yield* lying(loaded).map(objectOf);
  };
  const worker = { host: HOST, driver: { ...createScriptedDriver(), list } } as unknown as BackendWorker;
  const watch = createDriftWatch({
    ...{ hosts: [HOST], readStore, handler, clock: counting },
    backends: { forPool: () => worker } as unknown as Backends,
    logger: { info: () => {}, warn: () => {}, error: () => {} },
  });
  watch.start();
  return {
    found: async () => {
      await clock.until(() => watch.found().length === 1);
      const stopped = watch.stop();
      await clock.until(() => true);
      await stopped;
      return watch.found()[0]?.objects;
    },
    loaded: () => loaded,
    mostAtOnce: () => mostAtOnce,
  };
}

describe('the comparison of a backend with the log', () => {
  it('gives others their turn while it judges a backend that has lost everything', async () => {
    const watch = startWatch(() => []);
    const missing = IDS.map((id) => `one/volume-${id}`);
    expect(await watch.found()).toEqual({ unknown: [], missing, smaller: [] });
    expect([watch.loaded(), watch.mostAtOnce()]).toEqual([IDS.length, 20]);
  });

  it('tells nothing of what is as it should be once all was judged', async () => {
    const watch = startWatch((judged) => (judged < IDS.length ? [] : IDS.slice(1)));
    expect(await watch.found()).toEqual({ unknown: [], missing: ['one/volume-v0'], smaller: [] });
  });
});
