import type { Logger } from 'pino';
import { prepareDataDirectory } from '../adapters/sqlite/data-directory.ts';
import { lockDataDirectory } from '../adapters/sqlite/data-directory-lock.ts';
import { openSqliteEventStore } from '../adapters/sqlite/event-store.ts';
import type { Health } from '../api/dependencies.ts';
import { type Config, storeFiles } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventStore } from '../ports/event-store.ts';
import { serveEventStoreProtocol } from './event-store-protocol.ts';

/**
 * Role `eventstore`: EventStoreDB's protocol over the embedded log, and nothing else, so that Scoria's own streams may be
 * written through it. `later` takes what ends with the process, in the order it began. Throws as `serveEventStoreProtocol`,
 * and where the data directory is another process's.
 */
export async function startEventStoreAlone(
  config: Config,
  logger: Logger,
  clock: Clock,
  later: (stop: () => Promise<void>) => void,
): Promise<{ readonly port: number | null; readonly health: Health }> {
  prepareDataDirectory(config.dataDir);
  const lock = lockDataDirectory(config.dataDir);
  later(async () => lock.release());
  const eventStore = await openSqliteEventStore({ file: storeFiles(config).events, clock });
  later(() => eventStore.close());
  const protocol = await serveEventStoreProtocol(config.eventStoreServer, eventStore, logger, { writable: true });
  if (protocol !== null) later(() => protocol.close());
  return { port: protocol?.port ?? null, health: { readiness: () => readinessOf(eventStore) } };
}

async function readinessOf(eventStore: EventStore) {
  const missing = await eventStore.head().then(
    () => [],
    (error: unknown) => [`event store: ${error instanceof Error ? error.message : error}`],
  );
  return { ready: missing.length === 0, missing };
}
