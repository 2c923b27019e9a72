import { mkdtemp, open, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendVolume } from '../../../../src/drivers/storage/driver.ts';
import type { FileDriverConfigInput } from '../../../../src/drivers/storage/file/config.ts';
import { type FileEffects, nodeFileEffects } from '../../../../src/drivers/storage/file/effects.ts';
import { createFileDriver } from '../../../../src/drivers/storage/file/file-driver.ts';
import { type BackendUnderTest, context } from '../../../contracts/storage-driver-backend.ts';
import { faultyEffects } from './faulty-effects.ts';

export interface FileBackend extends BackendUnderTest {
  readonly directory: string;
  readonly config: FileDriverConfigInput;
  pathOf(volume: BackendVolume): string;
}

/** Incomplete objects: all work but the empty directory of the newest token in each pool. */
async function unfinishedIn(directory: string, pools: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pool of pools) {
    const work = join(directory, pool, 'work');
    const owners = (await readdir(work)).toSorted((a, b) => Number(a) - Number(b));
    const newest = owners.at(-1);
    found.push(...owners.filter((owner) => owner !== newest).map((owner) => `${pool}/work/${owner}`));
    if (newest !== undefined) {
      const inHand = await readdir(join(work, newest));
      found.push(...inHand.map((name) => `${pool}/work/${newest}/${name}`));
    }
  }
  return found;
}

/** A file backend with two pools in a fresh directory; `effects` is the disk it works with. */
export async function makeFileBackend(
  effects: FileEffects = nodeFileEffects,
  change: (config: FileDriverConfigInput) => FileDriverConfigInput = (config) => config,
): Promise<FileBackend> {
  const directory = await mkdtemp(join(tmpdir(), 'scoria-file-driver-'));
  const pools = ['fast', 'slow'] as const;
  const config = change({ directory, backendName: 'files', pools: pools.map((name) => ({ name })) });
  const pathOf = ({ pool, name }: BackendVolume) => join(directory, pool, 'volumes', name);
  const driver = createFileDriver(config, effects);
  await driver.setUp();
  return {
    driver,
    pools,
    directory,
    config,
    pathOf,
    another: () => createFileDriver(config, effects),
    faulty: (atEffect, fault) => {
      const faulty = faultyEffects(effects, atEffect, fault);
      return { driver: createFileDriver(config, faulty.effects), reached: faulty.reached };
    },
    writeAt: async (volume, offset, bytes) => {
      const file = await open(pathOf(volume), 'r+');
      await file.write(bytes, 0, bytes.length, offset);
      await file.close();
    },
    readAt: async (volume, offset, length) => {
      const file = await open(pathOf(volume), 'r');
      const { buffer } = await file.read(new Uint8Array(length), 0, length, offset);
      await file.close();
      return buffer;
    },
    putForeign: async (pool, name, sizeBytes) => {
      const path = join(directory, pool, 'volumes', name);
      await writeFile(path, '');
      await truncate(path, sizeBytes);
    },
    unfinished: () => unfinishedIn(directory, pools),
    cleanup: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A file backend of which the suite's token has taken over, cleaned up after; `changed` replaces effects of the real disk. */
export async function onDisk(
  changed: Partial<FileEffects>,
  test: (backend: FileBackend) => Promise<void>,
  change?: (config: FileDriverConfigInput) => FileDriverConfigInput,
): Promise<void> {
  const backend = await makeFileBackend({ ...nodeFileEffects, ...changed }, change);
  try {
    await backend.driver.takeOver(context);
    await test(backend);
  } finally {
    await backend.cleanup();
  }
}
