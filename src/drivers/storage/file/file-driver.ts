import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { BYTES_PER_GIB } from '../../../domain/kernel/units.ts';
import type { BackendObject, BackendSnapshot, BackendVolume, CallContext, StorageDriver } from '../driver.ts';
import { DriverError } from '../driver.ts';
import { listObjects, poolStats } from './capacity.ts';
import { type FileDriverConfigInput, fileDriverConfigSchema } from './config.ts';
import { readStream, writeStream } from './content.ts';
import { copyAsideWith } from './copy.ts';
import { type FileEffects, nodeFileEffects, sharedDirectorySync } from './effects.ts';
import { asDriverError } from './faults.ts';
import { fencedCall, requireToken, takeOver } from './fencing.ts';
import { type Layout, layoutOf, type ObjectAddress, type ObjectKind } from './layout.ts';
import {
  build,
  type FileStore,
  growTo,
  isComplete,
  openAside,
  relocate,
  remove,
  requireObject,
  type StoredObject,
} from './store.ts';

const VENDOR = 'Scoria';
const DRIVER_VERSION = '1.0.0';
/** os-brick's connector for a device that is there already (os_brick.initiator.LOCAL). */
const LOCAL = 'local';

const KINDS: readonly ObjectKind[] = ['volume', 'snapshot'];

const volumeAt = ({ pool, name }: BackendVolume): ObjectAddress => ({ kind: 'volume', pool, name });
const snapshotAt = ({ pool, name }: BackendSnapshot): ObjectAddress => ({ kind: 'snapshot', pool, name });
const bytesOf = ({ sizeGiB }: { readonly sizeGiB: number }): number => sizeGiB * BYTES_PER_GIB;
const objectNamed = (name: string): BackendObject => ({ backendName: name, providerId: null });

/** Makes the directories of every pool, safe from a power cut, and checks that they can be written to. */
async function prepare(layout: Layout, effects: FileEffects): Promise<void> {
  for (const pool of layout.pools) {
    const directories = [...KINDS.map((kind) => layout.objectsDirectory(kind, pool)), layout.workDirectory(pool)];
    try {
      for (const directory of directories) {
        await effects.makeDirectory(directory);
        await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
      }
      await effects.syncDirectory(layout.poolDirectory(pool));
      await effects.syncDirectory(dirname(layout.poolDirectory(pool)));
    } catch (error) {
      throw asDriverError(error, `use the directory ${layout.poolDirectory(pool)} of pool ${pool}`);
    }
  }
}

/**
 * Volumes and snapshots as sparse raw files of exactly `sizeGiB` GiB, in pools that are directories. A snapshot or clone
 * is a file of its own, which shares blocks where the file system can. A copy of a volume that is being written to is
 * consistent only where blocks are shared. Throws where the configuration is wrong, naming the key; `effects` is the disk.
 */
export function createFileDriver(input: FileDriverConfigInput, effects: FileEffects = nodeFileEffects): StorageDriver {
  const parsed = fileDriverConfigSchema.safeParse(input);
  if (!parsed.success) throw new Error(`file driver configuration: ${z.prettifyError(parsed.error)}`);
  const config = parsed.data;
  const layout = layoutOf(config);
  const store: FileStore = {
    layout,
    effects: { ...effects, syncDirectory: sharedDirectorySync((path) => effects.syncDirectory(path)) },
  };
  const copyAside = copyAsideWith(store, config.maxConcurrentCopies);

  /** The object to copy from; shorter than recorded means that it was damaged. */
  const requireSource = async (
    address: ObjectAddress,
    recordedBytes: number,
    wantedBytes: number,
  ): Promise<StoredObject> => {
    const source = await requireObject(store, address);
    const name = `${address.kind} ${address.name}`;
    if (source.sizeBytes < recordedBytes) {
      throw new DriverError(`${name} is damaged: ${source.sizeBytes} of ${recordedBytes} bytes are there`);
    }
    if (recordedBytes > wantedBytes) throw new DriverError(`${name} is larger than the ${wantedBytes} bytes asked for`);
    return source;
  };

  const makeFrom = (
    target: ObjectAddress,
    sizeBytes: number,
    source: ObjectAddress,
    sourceBytes: number,
    context: CallContext,
  ): Promise<BackendObject> => {
    const doing = `make ${target.kind} ${target.name} from ${source.kind} ${source.name}`;
    return fencedCall(store, context, [source.pool, target.pool], doing, async () => {
      if (!(await isComplete(store, target, sizeBytes))) {
        const found = await requireSource(source, sourceBytes, sizeBytes);
        await build(store, context, target, sizeBytes, (aside) => copyAside(found, aside, context));
      }
      return objectNamed(target.name);
    });
  };

  /** Replaces the volume's content by a stream; all else of the volume reads as zeros. */
  const overwrite = (
    volume: BackendVolume,
    bytes: AsyncIterable<Uint8Array>,
    what: string,
    context: CallContext,
  ): Promise<void> =>
    fencedCall(store, context, [volume.pool], `write ${what} to volume ${volume.name}`, async () => {
      await requireObject(store, volumeAt(volume));
      await build(store, context, volumeAt(volume), bytesOf(volume), async (aside) => {
        const file = await openAside(store, aside);
        try {
          await writeStream(file, bytes, bytesOf(volume), what, context.signal);
        } catch (error) {
          await file.close();
          throw error;
        }
        return file;
      });
    });

  async function* contentOf(volume: BackendVolume, context: CallContext): AsyncGenerator<Uint8Array> {
    const doing = `read volume ${volume.name}`;
    const source = await fencedCall(store, context, [volume.pool], doing, () =>
      requireSource(volumeAt(volume), bytesOf(volume), bytesOf(volume)),
    );
    try {
      yield* readStream(source.path, bytesOf(volume), context.signal);
    } catch (error) {
      throw asDriverError(error, doing);
    }
  }

  const checkThere = async (volume: BackendVolume, context: CallContext): Promise<StoredObject> =>
    fencedCall(store, context, [volume.pool], `find volume ${volume.name}`, () =>
      requireObject(store, volumeAt(volume)),
    );

  const checkToken = (volume: BackendVolume, context: CallContext): Promise<void> =>
    fencedCall(store, context, [volume.pool], `find volume ${volume.name}`, async () => undefined);

  return {
    canFence: true,

    setUp: () => prepare(layout, store.effects),
    takeOver: (context) => takeOver(store, context),
    stats: async () => {
      try {
        return {
          backendName: config.backendName,
          vendorName: VENDOR,
          driverVersion: DRIVER_VERSION,
          storageProtocol: LOCAL,
          pools: await Promise.all(config.pools.map((pool) => poolStats(layout, pool))),
        };
      } catch (error) {
        throw asDriverError(error, 'measure the backend');
      }
    },

    createVolume: (volume, context) => {
      const create = async (): Promise<BackendObject> => {
        if (await isComplete(store, volumeAt(volume), bytesOf(volume)))
          await requireToken(store, context, [volume.pool]);
        else await build(store, context, volumeAt(volume), bytesOf(volume), (aside) => openAside(store, aside));
        return objectNamed(volume.name);
      };
      return fencedCall(store, context, [volume.pool], `create volume ${volume.name}`, create, { needsToken: true });
    },
    createVolumeFromSnapshot: (volume, snapshot, context) =>
      makeFrom(volumeAt(volume), bytesOf(volume), snapshotAt(snapshot), bytesOf(snapshot), context),
    createClonedVolume: (volume, source, context) =>
      makeFrom(volumeAt(volume), bytesOf(volume), volumeAt(source), bytesOf(source), context),
    deleteVolume: (volume, context) => {
      const take = (): Promise<void> => remove(store, context, volumeAt(volume));
      return fencedCall(store, context, [volume.pool], `delete volume ${volume.name}`, take, { needsToken: true });
    },
    // The one change that no rename makes: a stale worker that slept inside it could still lengthen a file, never harm its data.
    extendVolume: (volume, newSizeGiB, context) =>
      fencedCall(store, context, [volume.pool], `extend volume ${volume.name}`, async () => {
        if (newSizeGiB < volume.sizeGiB)
          throw new DriverError(
            `volume ${volume.name} has ${volume.sizeGiB} GiB, more than the ${newSizeGiB} asked for`,
          );
        const found = await requireObject(store, volumeAt(volume));
        // An extension that was stopped may have grown the file before it could be recorded.
        const sizeBytes = Math.max(newSizeGiB * BYTES_PER_GIB, found.sizeBytes);
        await growTo(store, found, volumeAt(volume), sizeBytes);
      }),
    createSnapshot: (snapshot, context) =>
      makeFrom(
        snapshotAt(snapshot),
        bytesOf(snapshot),
        { kind: 'volume', pool: snapshot.pool, name: snapshot.volumeName },
        bytesOf(snapshot),
        context,
      ),
    deleteSnapshot: (snapshot, context) =>
      fencedCall(store, context, [snapshot.pool], `delete snapshot ${snapshot.name}`, () =>
        remove(store, context, snapshotAt(snapshot)),
      ),
    revertToSnapshot: (volume, snapshot, context) =>
      fencedCall(store, context, [volume.pool, snapshot.pool], `revert volume ${volume.name}`, async () => {
        await requireObject(store, volumeAt(volume));
        const found = await requireSource(snapshotAt(snapshot), bytesOf(snapshot), bytesOf(volume));
        await build(store, context, volumeAt(volume), bytesOf(volume), (aside) => copyAside(found, aside, context));
      }),

    createExport: async (volume, context) => {
      await checkThere(volume, context);
    },
    ensureExport: async (volume, context) => {
      await checkThere(volume, context);
    },
    removeExport: checkToken,
    initializeConnection: async (volume, _connector, context) => {
      const { path } = await checkThere(volume, context);
      return { driver_volume_type: LOCAL, data: { device_path: path, access_mode: 'rw' } };
    },
    terminateConnection: (volume, _connector, context) => checkToken(volume, context),
    attachVolume: async (volume) => {
      await requireObject(store, volumeAt(volume));
    },
    // Nothing was made by attaching, and a volume that is gone is detached.
    detachVolume: async () => undefined,

    copyImageToVolume: (volume, image, context) => overwrite(volume, image, 'the image', context),
    copyVolumeToImage: contentOf,
    // Images are not searched for on this host's disk: what a location names there is not the client's to read.
    cloneImage: async () => null,
    backupVolume: contentOf,
    restoreBackup: (volume, backup, context) => overwrite(volume, backup, 'the backup', context),

    migrateVolume: (volume, toPool, context) =>
      fencedCall(store, context, [volume.pool, toPool], `move volume ${volume.name} to pool ${toPool}`, async () => {
        const to: ObjectAddress = { ...volumeAt(volume), pool: toPool };
        return (await relocate(store, context, volumeAt(volume), to, bytesOf(volume)))
          ? objectNamed(volume.name)
          : null;
      }),
    // No extra spec changes anything in a file: whatever type the pool satisfies fits, except one of another backend.
    retypeVolume: async (volume, extraSpecs, context) => {
      await checkThere(volume, context);
      const wanted = extraSpecs.volume_backend_name ?? extraSpecs['capabilities:volume_backend_name'];
      return wanted === undefined || wanted === config.backendName;
    },
    manageVolume: (volume, existingName, context) =>
      fencedCall(store, context, [volume.pool], `manage volume ${existingName}`, async () => {
        const existing: ObjectAddress = { ...volumeAt(volume), name: existingName };
        if (!(await relocate(store, context, existing, volumeAt(volume), bytesOf(volume)))) {
          throw new DriverError(`pool ${volume.pool} cannot give ${existingName} another name`);
        }
        return objectNamed(volume.name);
      }),
    manageVolumeSize: async (existingName, pool) => {
      const { sizeBytes } = await requireObject(store, { kind: 'volume', pool, name: existingName });
      return Math.max(1, Math.ceil(sizeBytes / BYTES_PER_GIB));
    },
    unmanageVolume: checkToken,
    list: () => listObjects(layout),
  };
}
