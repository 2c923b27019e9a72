import { openSqliteEventStore } from '../adapters/sqlite/event-store.ts';
import { loadConfig, storeFiles, withoutPassword } from '../config.ts';
import { checkShortening, checkStreamMetadata } from '../log-copy/check-source.ts';
import type { EventStore } from '../ports/event-store.ts';
import { openEmbeddedLog, openEventStoreEngine } from '../server/stores.ts';
import type { CommonOptions } from './program.ts';
import { existing } from './stores.ts';

/** Where a log lies: `sqlite` (the configured data directory), `sqlite:<directory>`, or an `esdb://` connection string. */
export type LogLocation =
  | { readonly kind: 'embedded'; readonly directory: string }
  | { readonly kind: 'engine'; readonly connectionString: string };

/** Reads `--from` or `--to`; the configured log where it is absent. Throws an Error that names the option. */
export function locationOf(text: string | undefined, option: '--from' | '--to', options: CommonOptions): LogLocation {
  const config = loadConfig({ file: options.config });
  const where = text ?? config.eventStore;
  if (where === 'sqlite') return { kind: 'embedded', directory: config.dataDir };
  if (where.startsWith('sqlite:') && where.length > 'sqlite:'.length) {
    return { kind: 'embedded', directory: where.slice('sqlite:'.length) };
  }
  if (/^esdb(\+discover)?:\/\//.test(where)) return { kind: 'engine', connectionString: where };
  throw new Error(`${option}: expected sqlite, sqlite:<data directory>, or an esdb:// connection string`);
}

/** For messages: without the password. */
export const locationText = (location: LogLocation): string =>
  location.kind === 'embedded' ? `sqlite:${location.directory}` : withoutPassword(location.connectionString);

/** Opens it for reading, also beside a running server. */
export const openToRead = (location: LogLocation): Promise<EventStore> =>
  location.kind === 'embedded'
    ? openSqliteEventStore({ file: existing(storeFiles({ dataDir: location.directory }).events), readOnly: true })
    : openEventStoreEngine(location.connectionString);

/** Opens it for writing; throws DataDirectoryLocked where a server works on it. */
export const openToWrite = (location: LogLocation): Promise<EventStore> =>
  location.kind === 'engine' ? openEventStoreEngine(location.connectionString) : openEmbeddedLog(location.directory);

/** Throws NotCopied where a stream is hidden in part, by its metadata. */
export async function checkStreams(location: LogLocation, store: EventStore): Promise<void> {
  if (location.kind === 'embedded') return checkStreamMetadata(store);
  const { readStreamMetadata } = await import('../adapters/eventstoredb/stream-metadata.ts');
  for await (const { stream, data } of readStreamMetadata(location.connectionString)) checkShortening(stream, data);
}
