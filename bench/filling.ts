import { systemClock } from '../src/adapters/system/clock.ts';
import type { EventStore } from '../src/ports/event-store.ts';
import type { ReadStore } from '../src/ports/read-store.ts';
import { decodeRecorded } from '../src/projections/catalogue.ts';
import type { Projection } from '../src/projections/projection.ts';
import { createProjectionRunner } from '../src/projections/runner.ts';

const logger = { info: () => {}, warn: console.error, error: console.error };
const WITHIN_MS = 3_600_000;

export interface Filled {
  readonly perSecond: number;
  /** Time of all threads of this process for one event. */
  readonly cpuUs: number;
}

/** Fills an empty read store from the log, as at the start of a server that lost its own. `events`: how many the log has. */
export async function fillReadStore(
  stores: { readonly eventStore: EventStore; readonly readStore: ReadStore },
  projections: readonly Projection[],
  events: number,
  batchSize: number,
): Promise<Filled> {
  const head = (await stores.eventStore.head()) ?? 0n;
  const runner = createProjectionRunner({
    ...stores,
    ...{ projections, decode: decodeRecorded, logger, clock: systemClock, rebuildBatchSize: batchSize },
  });
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await runner.start();
  if (!(await runner.waitFor(head, WITHIN_MS))) throw new Error('the read models did not come to the end of the log');
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  await runner.stop();
  return { perSecond: (events / elapsedMs) * 1_000, cpuUs: (user + system) / events };
}
