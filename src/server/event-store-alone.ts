import type { Logger } from 'pino';
import type { Health } from '../api/dependencies.ts';
import type { Config } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventStore } from '../ports/event-store.ts';
import { serveEventStoreProtocol } from './event-store-protocol.ts';
import { openEmbeddedLog } from './stores.ts';

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
  const eventStore = await openEmbeddedLog(config.dataDir, clock);
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
