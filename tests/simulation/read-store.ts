import { StoreUnavailable } from '../../src/ports/event-store.ts';
import type { Document, ReadStore, Write } from '../../src/ports/read-store.ts';
import { createMemoryReadStore, type MemoryReadStore } from '../projections/memory-read-store.ts';
import type { Scheduler, SimProcess } from './scheduler.ts';
import type { Weather } from './weather.ts';

export interface SimulatedReadStore {
  connect(process: SimProcess): ReadStore;
  /** Takes back a number of the last writes: they were never told to reach the disk. */
  losePower(): void;
  readonly base: MemoryReadStore;
}

/** Writes that may still be lost. */
const NOT_ON_DISK = 40;

export function createSimulatedReadStore(options: {
  readonly scheduler: Scheduler;
  readonly weather: () => Weather;
}): SimulatedReadStore {
  const { scheduler, weather } = options;
  const { random } = scheduler;
  const base = createMemoryReadStore();
  const undos: (() => void)[] = [];

  const undoOf = async (write: Write): Promise<() => void> => {
    const documents = base.documents(write.projection, write.version) as Map<string, Document>;
    const checkpoint = await base.checkpoint(write.projection, write.version);
    const before = write.changes.map((change) => {
      const id = change.kind === 'put' ? change.document.id : change.id;
      return [id, documents.get(id)] as const;
    });
    return () => {
      for (const [id, document] of before) {
        if (document === undefined) documents.delete(id);
        else documents.set(id, document);
      }
      base.moveCheckpoint(write.projection, checkpoint as never);
    };
  };

  const connect = (process: SimProcess): ReadStore => {
    const asked = async <T>(what: string, answer: () => Promise<T>): Promise<T> => {
      await scheduler.turn(process, what);
      if (random.chance(weather().readStore.down)) throw new StoreUnavailable('the read store is down', 'not-done');
      return answer();
    };
    return {
      ...base,
      ensure: (spec) => asked('ensure a collection', () => base.ensure(spec)),
      get: (name, id, version) => asked(`get from ${name}`, () => base.get(name, id, version)),
      getMany: (name, ids, version) => asked(`get from ${name}`, () => base.getMany(name, ids, version)),
      find: (name, find, version) => asked(`find in ${name}`, () => base.find(name, find, version)),
      checkpoint: (name, version) => asked(`checkpoint of ${name}`, () => base.checkpoint(name, version)),
      write: (write) =>
        asked(`write ${write.projection}`, async () => {
          const undo = await undoOf(write);
          await base.write(write);
          undos.push(undo);
          if (undos.length > NOT_ON_DISK) undos.shift();
          if (random.chance(weather().readStore.landed)) throw new StoreUnavailable('no answer came', 'unknown');
        }),
    };
  };

  return {
    connect,
    base,
    losePower: () => {
      for (let count = random.between(0, undos.length); count > 0; count -= 1) undos.pop()?.();
      undos.length = 0;
    },
  };
}
