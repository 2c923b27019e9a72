import { openSqliteCoordination } from '../adapters/sqlite/coordination.ts';
import { prepareDataDirectory } from '../adapters/sqlite/data-directory.ts';
import { lockDataDirectory } from '../adapters/sqlite/data-directory-lock.ts';
import { openSqliteEventStore } from '../adapters/sqlite/event-store.ts';
import { DamagedStore } from '../adapters/sqlite/faults.ts';
import { openSqliteReadStore } from '../adapters/sqlite/read-store.ts';
import { setAside } from '../adapters/sqlite/store-file.ts';
import { startWriterThread } from '../adapters/sqlite/writer.ts';
import { type Config, isShared, storeFiles } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { ReadStore } from '../ports/read-store.ts';
import type { Engine } from './engine-health.ts';
import { type EngineFailure, type EngineName, EnginesAway, failureOf } from './engine-reasons.ts';

export interface Stores {
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly coordination: Coordination;
  /** No other process appends to the log. */
  readonly exclusive: boolean;
  /** Those of them that an engine keeps. */
  readonly engines: readonly Engine[];
  close(): Promise<void>;
}

interface StoresLogger {
  error(fields: object, message: string): void;
}

/**
 * What lies in this store can be had from the log again: a damaged one (of a power loss, say) is put aside and begun anew.
 * A lost lease is void anyway, and the tokens of a new file are higher than all that the old one gave.
 */
async function soundOrNew<S>(file: string, logger: StoresLogger, open: () => Promise<S>): Promise<S> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof DamagedStore)) throw error;
    const aside = setAside(file);
    logger.error({ err: error, file, aside }, 'damaged store put aside: it is made again from the log');
    return open();
  }
}

/**
 * The stores that are configured, real engines or embedded. Embedded ones lie in the data directory, which this process
 * alone may write to: a second server is refused. Since the lock is held, every lease of an earlier process is void.
 * Throws EnginesAway where engines cannot be used now. `awaited` is told which have yet to answer.
 */
export async function openStores(
  config: Config,
  clock: Clock,
  logger: StoresLogger,
  awaited: Set<EngineName> = new Set(),
): Promise<Stores> {
  prepareDataDirectory(config.dataDir);
  const lock = isShared(config) ? null : lockDataDirectory(config.dataDir);
  const opened: { close(): Promise<void> }[] = [];
  const opening = async <S extends { close(): Promise<void> }>(store: Promise<S>): Promise<S> => {
    const ready = await store;
    opened.push(ready);
    return ready;
  };
  const close = async (): Promise<void> => {
    for (const store of opened.toReversed()) await store.close();
    lock?.release();
  };
  const files = storeFiles(config);

  const embeddedReadSide = async (): Promise<Pick<Stores, 'readStore' | 'coordination'>> => {
    // A thread costs 10 MiB. These two share one; the log has its own, so that its syncs hold nobody else up.
    const writer = startWriterThread();
    opened.push(writer);
    const readStore = await opening(
      soundOrNew(files.readModels, logger, () => openSqliteReadStore({ file: files.readModels, clock, writer })),
    );
    const coordination = await opening(
      soundOrNew(files.coordination, logger, () => openSqliteCoordination({ file: files.coordination, clock, writer })),
    );
    return { readStore, coordination };
  };

  const engine = async <S extends { close(): Promise<void> }>(name: EngineName, open: () => Promise<S>): Promise<S> => {
    awaited.add(name);
    try {
      const store = await opening(open());
      awaited.delete(name);
      return store;
    } catch (error) {
      throw new EnginesAway([failureOf(name, error)]);
    }
  };

  const openedEvents = (): Promise<EventStore> => {
    const { eventStore: where } = config;
    return where === 'sqlite'
      ? opening(openSqliteEventStore({ file: files.events, clock }))
      : engine('event store', () => openEventStoreEngine(where));
  };

  const openedReadSide = async (): Promise<Pick<Stores, 'readStore' | 'coordination'>> => {
    const { readStore: where } = config;
    if (where === 'sqlite') return embeddedReadSide();
    const [readStore, coordination] = await together([
      engine('read store', () => openReadStoreEngine(where, clock)),
      engine('coordination', () => openCoordinationEngine(where, clock)),
    ]);
    return { readStore, coordination };
  };

  try {
    const [eventStore, { readStore, coordination }] = isShared(config)
      ? await together([openedEvents(), openedReadSide()])
      : [await openedEvents(), await openedReadSide()];
    if (lock !== null) await coordination.releaseAll();
    const engines = enginesOf(config, { eventStore, readStore, coordination });
    return { eventStore, readStore, coordination, exclusive: config.eventStore === 'sqlite', engines, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** All that fail are named, and none is still being opened when this throws. */
async function together<One, Other>(opening: readonly [Promise<One>, Promise<Other>]): Promise<[One, Other]> {
  const settled = await Promise.allSettled(opening);
  const [one, other] = settled;
  if (one.status === 'fulfilled' && other.status === 'fulfilled') return [one.value, other.value];
  const failures: EngineFailure[] = [];
  for (const result of settled) {
    if (result.status === 'fulfilled') continue;
    if (!(result.reason instanceof EnginesAway)) throw result.reason;
    failures.push(...result.reason.failures);
  }
  throw new EnginesAway(failures);
}

/** A small read of each: what it finds does not matter. */
function enginesOf(
  config: Config,
  { eventStore, readStore, coordination }: Pick<Stores, 'eventStore' | 'readStore' | 'coordination'>,
): readonly Engine[] {
  const log: Engine = { name: 'event store', ask: () => eventStore.head() };
  const models: Engine = { name: 'read store', ask: () => readStore.checkpoint('volumes', 1) };
  const leases: Engine = { name: 'coordination', ask: () => coordination.feedCheckpoint('operations') };
  return [...(config.eventStore === 'sqlite' ? [] : [log]), ...(config.readStore === 'sqlite' ? [] : [models, leases])];
}

/**
 * The embedded log alone, for a process that has nothing else of the data directory; nobody else may write there until it
 * is closed. Throws DataDirectoryUnusable, DataDirectoryLocked, DamagedStore.
 */
export async function openEmbeddedLog(dataDir: string, clock?: Clock): Promise<EventStore> {
  prepareDataDirectory(dataDir);
  const lock = lockDataDirectory(dataDir);
  try {
    const { events: file } = storeFiles({ dataDir });
    const store = await openSqliteEventStore(clock === undefined ? { file } : { file, clock });
    return { ...store, close: () => store.close().finally(() => lock.release()) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

// The engines' clients are loaded where they are configured: the embedded start stays small.

/** The log of an EventStoreDB, by its connection string. */
export async function openEventStoreEngine(connectionString: string): Promise<EventStore> {
  const { openEventStoreDb } = await import('../adapters/eventstoredb/event-store.ts');
  return openEventStoreDb({ connectionString });
}

/** The read models of a MongoDB, by its URL. */
export async function openReadStoreEngine(url: string, clock: Clock): Promise<ReadStore> {
  const { openMongoReadStore } = await import('../adapters/mongodb/read-store.ts');
  return openMongoReadStore({ url, clock });
}

async function openCoordinationEngine(url: string, clock: Clock): Promise<Coordination> {
  const { openMongoCoordination } = await import('../adapters/mongodb/coordination.ts');
  return openMongoCoordination({ url, clock });
}
