import { poolStream, quotaStream } from '../../src/commands/streams.ts';
import { valuesOf } from '../../src/domain/kernel/id-map.ts';
import type { PoolLedger } from '../../src/domain/pool/index.ts';
import { amountsOfSnapshot, amountsOfVolume, type OpenCharge, type QuotaLedger } from '../../src/domain/quota/index.ts';
import { snapshotsOf } from '../../src/domain/volume/index.ts';
import type { Volume } from '../../src/domain/volume/state.ts';

/** Amounts by ledger stream and resource: `quota-alpha gigabytes`, `pool-host@a#thin volumesGiB`. */
export type Holdings = ReadonlyMap<string, number>;

const add = (sums: Map<string, number>, stream: string, amounts: Readonly<Record<string, number>>): void => {
  for (const [resource, amount] of Object.entries(amounts)) {
    if (amount === 0) continue;
    const key = `${stream} ${resource}`;
    sums.set(key, (sums.get(key) ?? 0) + amount);
  }
};

/** What one volume and its snapshots hold of the ledgers by being there. */
export function holdingsOf({ volume }: Volume): Holdings {
  const sums = new Map<string, number>();
  if (volume === null || volume.deleted) return sums;
  const { pool, sizeGiB } = volume;
  add(sums, quotaStream(volume.projectId), amountsOfVolume(sizeGiB, volume.volumeTypeId));
  if (pool !== null) add(sums, poolStream(pool), { volumesGiB: sizeGiB, volumes: 1 });
  for (const snapshot of snapshotsOf(volume)) {
    add(sums, quotaStream(snapshot.projectId), amountsOfSnapshot(snapshot.sizeGiB, snapshot.volumeTypeId));
    const built = pool !== null && snapshot.backendName !== null;
    if (built) add(sums, poolStream(pool), { snapshotsGiB: snapshot.sizeGiB, snapshots: 1 });
  }
  return sums;
}

/** What a project is charged. */
export function chargedBy(ledger: QuotaLedger): Holdings {
  const sums = new Map<string, number>();
  add(sums, quotaStream(ledger.projectId), ledger.charged);
  return sums;
}

/** What is taken of a pool. */
export function takenOf({ pool, volumesGiB, snapshotsGiB, volumes, snapshots }: PoolLedger): Holdings {
  const sums = new Map<string, number>();
  add(sums, poolStream(pool), { volumesGiB, snapshotsGiB, volumes, snapshots });
  return sums;
}

/** What charges hold whose request has not come (yet): orphans, until they are lapsed. */
export function heldByOrphans(ledger: QuotaLedger, hasLanded: (operationId: string) => boolean): Holdings {
  const sums = new Map<string, number>();
  for (const charge of orphansOf(ledger, hasLanded)) add(sums, quotaStream(ledger.projectId), charge.amounts);
  return sums;
}

export const orphansOf = (ledger: QuotaLedger, hasLanded: (operationId: string) => boolean): readonly OpenCharge[] =>
  valuesOf(ledger.open).filter(({ operationId }) => !hasLanded(operationId));

/** A sum that goes along with what it is the sum of. */
export interface Sums {
  readonly all: Holdings;
  /** Takes one holder's part out and puts its new part in; returns the keys that changed. */
  replace(before: Holdings, after: Holdings): readonly string[];
}

export function createSums(): Sums {
  const all = new Map<string, number>();
  return {
    all,
    replace: (before, after) => {
      const changed: string[] = [];
      for (const key of new Set([...before.keys(), ...after.keys()])) {
        const change = (after.get(key) ?? 0) - (before.get(key) ?? 0);
        if (change === 0) continue;
        const sum = (all.get(key) ?? 0) + change;
        if (sum === 0) all.delete(key);
        else all.set(key, sum);
        changed.push(key);
      }
      return changed;
    },
  };
}
