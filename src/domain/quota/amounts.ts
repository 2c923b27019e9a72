import type { GiB } from '../kernel/units.ts';
import type { Amounts } from './events.ts';

/** Resources that are counted per project and again per volume type (contract/quota.md §1). */
export const COUNTED_RESOURCES = ['volumes', 'gigabytes', 'snapshots'] as const;
export type CountedResource = (typeof COUNTED_RESOURCES)[number];

/** Every resource whose name a quota set may hold as it is; per-type ones are named `volumes_<type>` and so on. */
export const QUOTA_RESOURCES = [
  ...COUNTED_RESOURCES,
  'backups',
  'backup_gigabytes',
  'groups',
  'per_volume_gigabytes',
] as const;

/** Key of a resource of one type: by the type's id, so that renaming the type changes nothing. */
export const typeResource = (resource: CountedResource, typeId: string): string => `${resource}:${typeId}`;

const withType = (amounts: Readonly<Partial<Record<CountedResource, number>>>, typeId: string): Amounts => ({
  ...amounts,
  ...Object.fromEntries(
    Object.entries(amounts).map(([resource, amount]) => [typeResource(resource as CountedResource, typeId), amount]),
  ),
});

/** What a volume of this size and type counts. */
export const amountsOfVolume = (sizeGiB: GiB, typeId: string): Amounts =>
  withType({ volumes: 1, gigabytes: sizeGiB }, typeId);

/** What a snapshot counts; its size is that of its volume when it was taken, its type the volume's. */
export const amountsOfSnapshot = (sizeGiB: GiB, typeId: string): Amounts =>
  withType({ snapshots: 1, gigabytes: sizeGiB }, typeId);

/** What a volume counts more after it grew by this much. */
export const amountsOfGrowth = (growthGiB: GiB, typeId: string): Amounts => withType({ gigabytes: growthGiB }, typeId);

/**
 * What moves with a volume from project to project: itself and the snapshots that go along. Without snapshots theirs
 * are left out, so that a project over its snapshot limit can still accept.
 */
export const amountsOfTransfer = (transfer: {
  readonly sizeGiB: GiB;
  readonly snapshotsGiB: GiB;
  readonly snapshots: number;
  readonly volumeTypeId: string;
}): Amounts =>
  withType(
    {
      volumes: 1,
      gigabytes: transfer.sizeGiB + transfer.snapshotsGiB,
      ...(transfer.snapshots === 0 ? {} : { snapshots: transfer.snapshots }),
    },
    transfer.volumeTypeId,
  );

/** The name people use for a resource key: `volumes:<typeId>` becomes `volumes_<type name>`. */
export const resourceName = (key: string, typeNames: Readonly<Record<string, string>>): string => {
  const [resource, typeId] = key.split(/:(.*)/s);
  return typeId === undefined ? key : `${resource}_${typeNames[typeId] ?? typeId}`;
};

export const addAmounts = (to: Amounts, amounts: Amounts): Amounts => {
  const sum: Record<string, number> = { ...to };
  for (const [key, amount] of Object.entries(amounts)) sum[key] = (sum[key] ?? 0) + amount;
  return sum;
};

/** Never below zero; a key that comes to zero is dropped, so that deleted types leave nothing behind. */
export const subtractAmounts = (from: Amounts, amounts: Amounts): Amounts => {
  const rest: Record<string, number> = { ...from };
  for (const [key, amount] of Object.entries(amounts)) {
    const left = (rest[key] ?? 0) - amount;
    if (left > 0) rest[key] = left;
    else delete rest[key];
  }
  return rest;
};
