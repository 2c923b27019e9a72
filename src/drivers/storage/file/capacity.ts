import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { BYTES_PER_GIB } from '../../../domain/kernel/units.ts';
import type { FoundObject, PoolStats } from '../driver.ts';
import type { FilePoolConfig } from './config.ts';
import { unless } from './faults.ts';
import type { Layout, ObjectKind } from './layout.ts';

const KINDS: readonly ObjectKind[] = ['volume', 'snapshot'];

/** Files looked at side by side: enough to hide latency, few enough to leave the thread pool to others. */
const BATCH = 32;

interface CountedObject extends FoundObject {
  readonly allocatedBytes: number;
}

/** All complete objects of a pool, with what they take on the disk. */
async function* objectsOf(layout: Layout, pool: string): AsyncGenerator<CountedObject> {
  for (const kind of KINDS) {
    const directory = layout.objectsDirectory(kind, pool);
    const names = await readdir(directory);
    for (let from = 0; from < names.length; from += BATCH) {
      const batch = names.slice(from, from + BATCH);
      // Gone since the directory was read: deleted meanwhile.
      const found = await Promise.all(batch.map((name) => unless(['ENOENT'], lstat(join(directory, name)), null)));
      for (const [index, name] of batch.entries()) {
        const file = found[index];
        if (file?.isFile()) yield { kind, name, pool, sizeBytes: file.size, allocatedBytes: file.blocks * 512 };
      }
    }
  }
}

/** The complete objects of every pool. */
export async function* listObjects(layout: Layout): AsyncGenerator<FoundObject> {
  for (const pool of layout.pools) {
    for await (const { kind, name, sizeBytes } of objectsOf(layout, pool)) yield { kind, name, pool, sizeBytes };
  }
}

/** Bytes that the pool's objects take: what is written (thin), or their sizes (thick), since a thick pool keeps its promises. */
async function usedBytes(layout: Layout, pool: FilePoolConfig): Promise<number> {
  let used = 0;
  for await (const object of objectsOf(layout, pool.name)) {
    used += pool.thinProvisioning ? object.allocatedBytes : object.sizeBytes;
  }
  return used;
}

/** Figures of one pool; free is never more than its file system has. Objects are counted only where the configuration asks for it. */
export async function poolStats(layout: Layout, pool: FilePoolConfig): Promise<PoolStats> {
  const fileSystem = await statfs(layout.poolDirectory(pool.name));
  const blockGiB = fileSystem.bsize / BYTES_PER_GIB;
  const totalCapacityGiB = pool.capacityGiB ?? fileSystem.blocks * blockGiB;
  const freeOnDiskGiB = fileSystem.bavail * blockGiB;
  const mustCount = pool.capacityGiB !== undefined || !pool.thinProvisioning;
  const freeCapacityGiB = mustCount
    ? Math.min(freeOnDiskGiB, Math.max(0, totalCapacityGiB - (await usedBytes(layout, pool)) / BYTES_PER_GIB))
    : freeOnDiskGiB;
  return {
    pool: pool.name,
    totalCapacityGiB,
    freeCapacityGiB,
    reservedPercentage: pool.reservedPercentage,
    thinProvisioning: pool.thinProvisioning,
    thickProvisioning: !pool.thinProvisioning,
    maxOverSubscriptionRatio: pool.maxOverSubscriptionRatio,
    multiattach: pool.multiattach,
    capabilities: pool.capabilities,
    filterFunction: pool.filterFunction ?? null,
    goodnessFunction: pool.goodnessFunction ?? null,
  };
}
