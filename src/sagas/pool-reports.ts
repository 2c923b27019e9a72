import { z } from 'zod';
import { VOLUME_BINARY } from '../commands/frozen.ts';
import type { CommandHandler } from '../commands/handle.ts';
import { poolAggregate, poolStream, serviceAggregate, serviceStream } from '../commands/streams.ts';
import type { PoolReport } from '../domain/placement/pool-report.ts';
import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';

/** Name under which a service beats: `binary@host`. */
export const serviceName = (binary: string, host: string): string => `${binary}@${host}`;

const capacity = z.union([z.number(), z.enum(['infinite', 'unknown'])]);

/** What a worker says of its backend with each beat. */
export const storageBeatSchema = z.object({
  kind: z.literal('storage'),
  host: z.string(),
  pools: z.array(
    z.object({
      pool: z.string(),
      availabilityZone: z.string(),
      backendName: z.string(),
      vendorName: z.string(),
      driverVersion: z.string(),
      storageProtocol: z.string(),
      totalCapacityGiB: capacity,
      freeCapacityGiB: capacity,
      allocatedCapacityGiB: z.number(),
      provisionedCapacityGiB: z.number(),
      provisionedAtReportGiB: z.number(),
      volumeCount: z.number(),
      reservedPercentage: z.number(),
      thinProvisioning: z.boolean(),
      thickProvisioning: z.boolean(),
      maxOverSubscriptionRatio: z.union([z.number(), z.literal('auto')]),
      multiattach: z.boolean(),
      capabilities: z.record(z.string(), z.unknown()),
      filterFunction: z.string().nullable(),
      goodnessFunction: z.string().nullable(),
      reportedAt: z.number(),
    }),
  ),
});

type StorageBeat = z.infer<typeof storageBeatSchema> & { readonly at: number };

/** How long a new worker's first beat may go unseen, in ms. */
const BEATS_KNOWN_MS = 100;

export interface PoolReports {
  /** The services that own backends and may be used: `host@backend` and zone. */
  services(): Promise<readonly { readonly host: string; readonly availabilityZone: string }[]>;
  /** Every pool that a backend reported; those that may not be used now, with the reason. */
  read(): Promise<{
    readonly usable: readonly PoolReport[];
    readonly unusable: readonly { readonly pool: string; readonly reason: string; readonly report: PoolReport }[];
  }>;
}

/** A report with the ledger's present totals in place of those it was made with. */
export async function withLedger(handler: CommandHandler, report: PoolReport): Promise<PoolReport> {
  const { state } = await handler.load(poolAggregate, poolStream(report.pool));
  return {
    ...report,
    allocatedCapacityGiB: state.volumesGiB,
    provisionedCapacityGiB: state.volumesGiB + state.snapshotsGiB,
    volumeCount: state.volumes,
  };
}

/** Reads the last reports of all workers, whichever process they run in. `downAfterMs` without a beat: the service is down. */
export function createPoolReports(deps: {
  readonly coordination: Coordination;
  readonly handler: CommandHandler;
  readonly clock: Clock;
  readonly downAfterMs: number;
}): PoolReports {
  const { coordination, handler, clock, downAfterMs } = deps;

  /** How old each host's last beat was when it was first seen here, and when that was by the monotonic clock. */
  const firstSeen = new Map<string, { readonly at: number; readonly ageMs: number; readonly seenMs: number }>();

  /** The wall clock says how old a beat is only once: then it may jump, and nobody is down or up for it. */
  const ageMs = (host: string, at: number): number => {
    const nowMs = clock.monotonicMs();
    const seen = firstSeen.get(host);
    if (seen?.at === at) return seen.ageMs + nowMs - seen.seenMs;
    const age = Math.max(0, clock.now() - at);
    firstSeen.set(host, { at, ageMs: age, seenMs: nowMs });
    return age;
  };

  const whyUnusable = async (host: string, at: number): Promise<string | null> => {
    if (ageMs(host, at) > downAfterMs) return `service ${VOLUME_BINARY}@${host} is down`;
    const { state } = await handler.load(serviceAggregate, serviceStream(VOLUME_BINARY, host));
    if (state === null) return null;
    if (state.frozen) return `backend ${host} is frozen`;
    return state.enabled ? null : `service ${VOLUME_BINARY}@${host} is disabled`;
  };

  let known: readonly StorageBeat[] = [];
  let knownUntilMs = 0;

  /** What the workers said last. Somebody asks with every creation; they beat every few seconds. */
  const beats = async (): Promise<readonly StorageBeat[]> => {
    if (known.length > 0 && clock.monotonicMs() < knownUntilMs) return known;
    known = (await coordination.heartbeats()).flatMap(({ report, at }) => {
      const parsed = storageBeatSchema.safeParse(report);
      return parsed.success ? [{ ...parsed.data, at }] : [];
    });
    knownUntilMs = clock.monotonicMs() + BEATS_KNOWN_MS;
    return known;
  };

  return {
    services: async () => {
      const services: { host: string; availabilityZone: string }[] = [];
      for (const { host, at, pools } of await beats()) {
        const zone = pools.at(-1)?.availabilityZone;
        if (zone === undefined || (await whyUnusable(host, at)) !== null) continue;
        services.push({ host, availabilityZone: zone });
      }
      return services;
    },
    read: async () => {
      const usable: PoolReport[] = [];
      const unusable: { pool: string; reason: string; report: PoolReport }[] = [];
      for (const { host, at, pools } of await beats()) {
        const reason = await whyUnusable(host, at);
        for (const pool of pools) {
          const report = await withLedger(handler, pool);
          if (reason === null) usable.push(report);
          else unusable.push({ pool: pool.pool, reason, report });
        }
      }
      return { usable, unusable };
    },
  };
}
