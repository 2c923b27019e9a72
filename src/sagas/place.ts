import type { CommandHandler } from '../commands/handle.ts';
import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import type { GiB } from '../domain/kernel/units.ts';
import { choosePool, explainRefusal, type PlacementOptions, type PlacementRequest } from '../domain/placement/index.ts';
import { backendHostOf } from './backend.ts';
import { StepError } from './operation.ts';
import type { PoolReports } from './pool-reports.ts';

/** What a creation asks of placement; hints are as the client sent them. */
export interface PlaceVolume {
  readonly volumeId: string;
  readonly projectId: string;
  readonly sizeGiB: GiB;
  readonly volumeType: NonNullable<PlacementRequest['volumeType']>;
  readonly availabilityZones: readonly string[];
  readonly hints: Readonly<Record<string, unknown>>;
  /** What it is made from, and where that lies. */
  readonly source: { readonly kind: 'snapshot' | 'volume'; readonly pool: string } | null;
  readonly triedPools: readonly string[];
}

export interface Placed {
  /** `host@backend#pool`. */
  readonly pool: string;
  readonly weight: number;
}

export interface Placement {
  /** Chooses, and takes nothing. Throws a StepError that says for each pool which filter refused it, with the figures. */
  place(request: PlaceVolume): Promise<Placed>;
  /** Passes that a creation may take in all (scheduler_max_attempts). */
  maxAttempts(): number;
}

const MOST_HINTED_VOLUMES = 100;

/** Placement over what the backends reported and what the ledgers say now. `options` is asked each time: its file may change. */
export function createPlacement(deps: {
  readonly handler: CommandHandler;
  readonly reports: Pick<PoolReports, 'read'>;
  readonly options: () => PlacementOptions;
  readonly random: () => number;
}): Placement {
  const { handler, reports, options, random } = deps;

  /** Pools of the volumes that affinity hints name, as far as the project may see them. */
  const hintedPools = async (request: PlaceVolume): Promise<Record<string, string | null>> => {
    const named = [request.hints.same_host, request.hints.different_host].flat().filter((id) => typeof id === 'string');
    const pools: Record<string, string | null> = {};
    for (const id of new Set(named.slice(0, MOST_HINTED_VOLUMES))) {
      const { volume } = (await handler.load(volumeAggregate, volumeStream(id))).state;
      const visible = volume !== null && !volume.deleted && volume.projectId === request.projectId;
      pools[id] = visible ? volume.pool : null;
    }
    return pools;
  };

  return {
    maxAttempts: () => options().maxAttempts,
    place: async (request) => {
      const { usable, unusable } = await reports.read();
      const { sizeGiB, volumeType, availabilityZones, hints, source, triedPools } = request;
      const { snapshotSameHost } = options();
      const result = choosePool(
        {
          operation: 'create',
          sizeGiB,
          volumeType,
          availabilityZones,
          hints,
          resourceBackend: source === null ? null : pinOf(source, snapshotSameHost),
          triedPools,
          volumePools: await hintedPools(request),
          instanceHost: null,
          volume: { id: request.volumeId, size: sizeGiB, project_id: request.projectId },
          qos: {},
          unusablePools: unusable,
        },
        usable,
        options(),
        random,
      );
      if (result.kind === 'chosen') {
        return { pool: result.pool, weight: result.ranked.find(({ pool }) => pool === result.pool)?.weight ?? 0 };
      }
      const message = `No valid backend was found. ${explainRefusal(result.reasons)}`;
      throw new StepError({ code: 'NoValidBackend', message, details: { pools: result.reasons } }, 'never');
    },
  };
}

/**
 * A clone lies where its source does. So does a volume from a snapshot, unless the option lets it go to another pool of
 * the same backend: no other can read the snapshot (contract/scheduler.md §6).
 */
const pinOf = ({ kind, pool }: NonNullable<PlaceVolume['source']>, snapshotSameHost: boolean): string =>
  kind === 'volume' || snapshotSameHost ? pool : backendHostOf(pool);
