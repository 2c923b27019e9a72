import { openEventStoreDb } from '../../../src/adapters/eventstoredb/event-store.ts';
import type { Limits } from '../../../src/adapters/eventstoredb/limits.ts';
import type { EventStore } from '../../../src/ports/event-store.ts';
import { type PlantedCluster, type PlantedNode, startPlantedCluster } from './planted-node.ts';
import { startProtocolServer } from './server.ts';

/** Nodes in front of one server, in which faults can be planted, and the store that is opened on them. */
export interface ClusterFixture {
  readonly cluster: PlantedCluster;
  /** The first node, which leads at the start. */
  readonly node: PlantedNode;
  readonly store: EventStore;
  /** What no test expects: errors that nobody caught. */
  readonly uncaught: unknown[];
  open(query?: string, limits?: Partial<Limits>): Promise<EventStore>;
  stop(): Promise<void>;
}

/** Small enough that a test sees them run out. */
export const SHORT: Partial<Limits> = {
  appendAttemptMs: 700,
  appendPatienceMs: 6_000,
  readIdleMs: 700,
  readPatienceMs: 5_000,
  confirmationMs: 700,
  firstRetryMs: 10,
  appendRetryMs: 50,
  longestRetryMs: 200,
};

export async function startCluster(
  options: { readonly size?: number; readonly stretch?: bigint } = {},
): Promise<ClusterFixture> {
  const { size = 1, stretch = 1n } = options;
  const server = await startProtocolServer();
  const cluster = await startPlantedCluster(server.port, size, stretch);
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('a cluster has a node');
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => {
    uncaught.push(error);
  };
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  const stores: EventStore[] = [];
  const open = async (query = '', limits: Partial<Limits> = SHORT): Promise<EventStore> => {
    const hosts = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const store = await openEventStoreDb({ connectionString: `esdb://${hosts}?tls=false${query}`, limits });
    stores.push(store);
    return store;
  };
  return {
    ...{ cluster, node, uncaught, open },
    store: await open(),
    stop: async () => {
      for (const store of stores) await store.close();
      cluster.stop();
      await server.stop();
      process.off('uncaughtException', note);
      process.off('unhandledRejection', note);
    },
  };
}
