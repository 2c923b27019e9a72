import { existsSync } from 'node:fs';
import { openSqliteEventStore } from '../adapters/sqlite/event-store.ts';
import { openSqliteReadStore } from '../adapters/sqlite/read-store.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { type Config, loadConfig, storeFiles } from '../config.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { ReadStore } from '../ports/read-store.ts';
import { openEventStoreEngine, openReadStoreEngine } from '../server/stores.ts';
import type { CommonOptions } from './program.ts';

/** The log, opened for reading beside a running server. */
export async function withEventStore<T>(
  options: CommonOptions,
  use: (store: EventStore, config: Config) => Promise<T>,
): Promise<T> {
  const config = loadConfig({ file: options.config });
  const store = await (config.eventStore === 'sqlite'
    ? openSqliteEventStore({ file: existing(storeFiles(config).events), readOnly: true })
    : openEventStoreEngine(config.eventStore));
  return closing(store, () => use(store, config));
}

/** The read models, opened for reading beside a running server. */
export async function withReadStore<T>(
  options: CommonOptions,
  use: (store: ReadStore, config: Config) => Promise<T>,
): Promise<T> {
  const config = loadConfig({ file: options.config });
  const store = await (config.readStore === 'sqlite'
    ? openSqliteReadStore({ file: existing(storeFiles(config).readModels), readOnly: true })
    : openReadStoreEngine(config.readStore, systemClock));
  return closing(store, () => use(store, config));
}

export function existing(file: string): string {
  if (!existsSync(file)) throw new Error(`${file} does not exist: no server has run on this data directory yet`);
  return file;
}

async function closing<T>(store: { close(): Promise<void> }, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await store.close();
  }
}
