import type { PoolEvent } from '../domain/pool/events.ts';
import type { CollectionSpec, Document, ReadStore } from '../ports/read-store.ts';
import type { Projection, Recorded } from './projection.ts';

/** Collection `pools`: the ledgers; what backends report of themselves lies in Coordination. `id` is `host@backend#pool`. */
export interface PoolDocument extends Document {
  readonly id: string;
  readonly volumesGiB: number;
  readonly snapshotsGiB: number;
  readonly volumes: number;
  readonly snapshots: number;
}

export const poolsCollection: CollectionSpec = { name: 'pools', version: 1, indexes: [] };

const NOTHING = { volumesGiB: 0, snapshotsGiB: 0, volumes: 0, snapshots: 0 };

export const poolsProjection: Projection<PoolDocument> = {
  collection: poolsCollection,
  streams: { prefixes: ['pool-'] },
  idsOf: (event: Recorded<PoolEvent>) => (event.type === 'PoolClaimSettled' ? [] : [event.data.pool]),
  apply: (document: PoolDocument | null, event: Recorded<PoolEvent>, id: string) => {
    const pool = document ?? { id, ...NOTHING };
    switch (event.type) {
      case 'PoolCapacityClaimed': {
        const { kind, sizeGiB } = event.data;
        if (kind === 'volume') return add(pool, { ...NOTHING, volumesGiB: sizeGiB, volumes: 1 }, 1);
        if (kind === 'snapshot') return add(pool, { ...NOTHING, snapshotsGiB: sizeGiB, snapshots: 1 }, 1);
        return add(pool, { ...NOTHING, volumesGiB: sizeGiB }, 1);
      }
      case 'PoolCapacityReturned':
        return add(pool, event.data, -1);
      case 'PoolLedgerClosed': {
        const { volumesGiB, snapshotsGiB, volumes, snapshots } = event.data;
        return { id, volumesGiB, snapshotsGiB, volumes, snapshots };
      }
      default:
        return document;
    }
  },
};

function add(pool: PoolDocument, change: typeof NOTHING, sign: 1 | -1): PoolDocument {
  return {
    id: pool.id,
    volumesGiB: pool.volumesGiB + sign * change.volumesGiB,
    snapshotsGiB: pool.snapshotsGiB + sign * change.snapshotsGiB,
    volumes: pool.volumes + sign * change.volumes,
    snapshots: pool.snapshots + sign * change.snapshots,
  };
}

export interface PoolQueries {
  get(pool: string): Promise<PoolDocument | null>;
  all(): Promise<readonly PoolDocument[]>;
}

export const createPoolQueries = (readStore: ReadStore): PoolQueries => ({
  get: async (pool) => (await readStore.get(poolsCollection.name, pool)) as PoolDocument | null,
  all: async () => (await readStore.find(poolsCollection.name, {})) as readonly PoolDocument[],
});
