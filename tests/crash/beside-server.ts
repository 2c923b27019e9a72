import { DatabaseSync } from 'node:sqlite';
import { openMongoCoordination } from '../../src/adapters/mongodb/coordination.ts';
import { openSqliteEventStore } from '../../src/adapters/sqlite/event-store.ts';
import { openSqliteReadStore } from '../../src/adapters/sqlite/read-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { type Config, storeFiles } from '../../src/config.ts';
import type { OpenWork } from '../../src/ports/coordination.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import type { ReadStore } from '../../src/ports/read-store.ts';
import { openEventStoreEngine, openReadStoreEngine } from '../../src/server/stores.ts';

const openEvents = (config: Config): Promise<EventStore> =>
  config.eventStore === 'sqlite'
    ? openSqliteEventStore({ file: storeFiles(config).events, readOnly: true })
    : openEventStoreEngine(config.eventStore);

const openReadModels = (config: Config): Promise<ReadStore> =>
  config.readStore === 'sqlite'
    ? openSqliteReadStore({ file: storeFiles(config).readModels, clock: systemClock, readOnly: true })
    : openReadStoreEngine(config.readStore, systemClock);

/**
 * Opens the stores that are configured beside their servers, and closes them again: an open reader would keep embedded
 * files from recovering.
 */
export async function besideServer<T>(
  config: Config,
  use: (stores: { readonly eventStore: EventStore; readonly readStore: ReadStore }) => Promise<T>,
): Promise<T> {
  const eventStore = await openEvents(config);
  try {
    const readStore = await openReadModels(config);
    try {
      return await use({ eventStore, readStore });
    } finally {
      await readStore.close();
    }
  } finally {
    await eventStore.close();
  }
}

const KINDS_OF_WORK: readonly OpenWork['kind'][] = ['operation', 'charge', 'rebuild'];

/** What the servers have noted as unfinished. The embedded store has no form that only reads: its file is read here. */
export async function unfinishedWork(config: Config): Promise<readonly Pick<OpenWork, 'kind' | 'id'>[]> {
  if (config.readStore === 'sqlite') {
    const database = new DatabaseSync(storeFiles(config).coordination, { readOnly: true });
    try {
      return database.prepare('SELECT kind, id FROM work').all() as unknown as Pick<OpenWork, 'kind' | 'id'>[];
    } finally {
      database.close();
    }
  }
  const coordination = await openMongoCoordination({ url: config.readStore, clock: systemClock });
  try {
    return (await Promise.all(KINDS_OF_WORK.map((kind) => coordination.listWork(kind)))).flat();
  } finally {
    await coordination.close();
  }
}
