/**
 * How fast the file driver creates, clones, snapshots, extends and deletes volumes, one at a time and side by side, and
 * how much of that is the disk's fsync: one JSON line per figure. `ratio` is against the bare system calls with the same
 * syncs. Usage: node bench/file-driver.ts [directory] [volumes]
 */
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendVolume, CallContext } from '../src/drivers/storage/driver.ts';
import { nodeFileEffects } from '../src/drivers/storage/file/effects.ts';
import { createFileDriver } from '../src/drivers/storage/file/file-driver.ts';

const SIDE_BY_SIDE = 16;
const MIB = 1024 * 1024;

interface Figure {
  readonly what: string;
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly ratio?: number;
}

const rounded = (value: number): number => Number(value.toPrecision(4));

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const print = (figure: Figure): void => console.log(JSON.stringify(figure));

/** Runs `work` for 0 to `count` - 1, `concurrency` at a time. */
async function measure(
  what: string,
  count: number,
  concurrency: number,
  work: (index: number) => Promise<unknown>,
): Promise<Figure> {
  const durations: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      const startedAt = performance.now();
      await work(index);
      durations.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  const elapsedMs = performance.now() - startedAt;
  durations.sort((a, b) => a - b);
  return {
    what,
    per_second: rounded((count / elapsedMs) * 1_000),
    p50_ms: rounded(percentile(durations, 0.5)),
    p99_ms: rounded(percentile(durations, 0.99)),
  };
}

/** The least that a durable file with a final name costs on this disk. */
async function bareCreate(directory: string, name: string): Promise<void> {
  const aside = join(directory, `aside-${name}`);
  const file = await open(aside, 'wx');
  await file.truncate(1024 * MIB);
  await file.sync();
  await file.close();
  await rename(aside, join(directory, name));
  await nodeFileEffects.syncDirectory(directory);
}

async function run(directory: string, count: number): Promise<void> {
  // Disks that do not sync tell what the driver itself costs.
  const unsynced = {
    ...nodeFileEffects,
    syncDirectory: async () => undefined,
    openFile: async (path: string, flags: 'wx' | 'r+') => {
      const file = await nodeFileEffects.openFile(path, flags);
      return Object.assign(file, { sync: async () => undefined });
    },
  };
  const config = { directory, backendName: 'bench', pools: [{ name: 'bench' }] };
  const context: CallContext = { fencingToken: 1n, signal: new AbortController().signal };
  const driver = createFileDriver(config);
  await driver.setUp();
  await driver.takeOver(context);
  const volume = (name: string, sizeGiB = 1): BackendVolume => ({ id: name, name, sizeGiB, pool: 'bench' });

  const probe = await open(join(directory, 'probe'), 'w');
  print(
    await measure('file driver: bare fsync of a file', count, 1, async () => {
      await probe.write(Buffer.from('x'), 0, 1, 0);
      await probe.sync();
    }),
  );
  await probe.close();

  const bare = await measure('file driver: bare create, one at a time', count, 1, (n) =>
    bareCreate(directory, `bare-${n}`),
  );
  print(bare);
  const bareMany = await measure(`file driver: bare create, ${SIDE_BY_SIDE} at a time`, count, SIDE_BY_SIDE, (n) =>
    bareCreate(directory, `bares-${n}`),
  );
  print(bareMany);
  const withoutSync = createFileDriver(config, unsynced);
  print(
    await measure('file driver: create without syncs, one at a time', count, 1, (n) =>
      withoutSync.createVolume(volume(`unsynced-${n}`), context),
    ),
  );

  for (const concurrency of [1, SIDE_BY_SIDE]) {
    const tag = `c${concurrency}`;
    const how = concurrency === 1 ? 'one at a time' : `${concurrency} at a time`;
    const yardstick = concurrency === 1 ? bare : bareMany;
    const create = await measure(`file driver: create, ${how}`, count, concurrency, (n) =>
      driver.createVolume(volume(`${tag}-${n}`), context),
    );
    print({ ...create, ratio: rounded(create.per_second / yardstick.per_second) });
    print(
      await measure(`file driver: clone of an empty volume, ${how}`, count, concurrency, (n) =>
        driver.createClonedVolume(volume(`${tag}-clone-${n}`), volume(`${tag}-0`), context),
      ),
    );
    print(
      await measure(`file driver: extend, ${how}`, count, concurrency, (n) =>
        driver.extendVolume(volume(`${tag}-${n}`), 2, context),
      ),
    );
    print(
      await measure(`file driver: delete, ${how}`, count, concurrency, (n) =>
        driver.deleteVolume(volume(`${tag}-${n}`), context),
      ),
    );
  }

  const source = volume('source', 2);
  await driver.createVolume(source, context);
  const file = await open(join(directory, 'bench', 'volumes', 'source'), 'r+');
  await file.write(new Uint8Array(MIB).fill(7), 0, MIB, 1000 * MIB);
  await file.close();
  print(
    await measure('file driver: clone of 2 GiB with 1 MiB of data, one at a time', Math.min(count, 100), 1, (n) =>
      driver.createClonedVolume(volume(`copy-${n}`, 2), source, context),
    ),
  );
  const ownWay = createFileDriver(config, { ...nodeFileEffects, copyByCommand: async () => false });
  print(
    await measure('file driver: the same without cp', 3, 1, (n) =>
      ownWay.createClonedVolume(volume(`own-copy-${n}`, 2), source, context),
    ),
  );
}

const directory = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'scoria-bench-file-driver-'));
try {
  await run(directory, Number(process.argv[3] ?? 1_000));
} finally {
  await rm(directory, { recursive: true, force: true });
}
