import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/ports/clock.ts';
import { allProjections } from '../../src/projections/all.ts';
import { decodeRecorded } from '../../src/projections/catalogue.ts';
import type { Projection } from '../../src/projections/projection.ts';
import {
  createProjectionRunner,
  type ProjectionRunner,
  type ProjectionRunnerOptions,
} from '../../src/projections/runner.ts';
import { volumesProjection } from '../../src/projections/volumes.ts';
import { createMemoryEventStore, type MemoryEventStore } from '../commands/memory-event-store.ts';
import { creationRequested } from '../domain/volume/volumes.ts';
import { createMemoryReadStore, type MemoryReadStore } from './memory-read-store.ts';

export const clock: Clock = {
  now: () => 0,
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

export interface World {
  readonly eventStore: MemoryEventStore;
  readonly readStore: MemoryReadStore;
  readonly log: LogLine[];
  start(options?: Partial<ProjectionRunnerOptions>): Promise<ProjectionRunner>;
}

const runners: ProjectionRunner[] = [];

/** After each test: runners outlive no test. */
export async function stopRunners(): Promise<void> {
  await Promise.all(runners.splice(0).map((runner) => runner.stop()));
}

/** An empty log and a read store, with as many runners on them as a test starts. */
export function createWorld(readStore: MemoryReadStore = createMemoryReadStore()): World {
  const eventStore = createMemoryEventStore();
  const log: LogLine[] = [];
  const line = (level: LogLine['level']) => (fields: object, message: string) => log.push({ level, fields, message });
  return {
    eventStore,
    readStore,
    log,
    start: async (options = {}) => {
      const logger = { info: line('info'), warn: line('warn'), error: line('error') };
      const stores = { eventStore, readStore, decode: decodeRecorded };
      const runner = createProjectionRunner({ ...stores, projections: allProjections, logger, clock, ...options });
      runners.push(runner);
      await runner.start();
      return runner;
    },
  };
}

export const requestOf = (volumeId: string, sizeGiB = 1) => creationRequested({ volumeId, sizeGiB });
export const updateOf = (volumeId: string, name: string) => ({ type: 'VolumeUpdated', data: { volumeId, name } });

export const statusOf = (runner: ProjectionRunner, name: string) => {
  const status = runner.status().find((one) => one.name === name);
  if (status === undefined) throw new Error(`there is no read model ${name}`);
  return status;
};

/** A projection like that of the volumes, with something changed. */
export const volumesWith = (change: Partial<Projection>): Projection =>
  ({ ...volumesProjection, ...change }) as Projection;
