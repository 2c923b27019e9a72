import { type BigIntStats, lstat } from 'node:fs';
import { type CallContext, DriverError } from '../driver.ts';
import type { FileEffects, WritableFile } from './effects.ts';
import { errnoOf, unless } from './faults.ts';
import type { Layout, ObjectAddress } from './layout.ts';

/** What the driver's calls work with; `effects.syncDirectory` is shared between concurrent calls. */
export interface FileStore {
  readonly layout: Layout;
  readonly effects: FileEffects;
}

/** An object that lies on the disk under its final name. */
export interface StoredObject {
  readonly path: string;
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  /** Same text: the same file under two names. */
  readonly identity: string;
}

/** The unit of `st_blocks`, whatever the file system. */
const STAT_BLOCK_BYTES = 512;

/** What lies at this path; null: nothing. By callback, since the promise makes another error of each that is not there. */
const lookAt = (path: string): Promise<BigIntStats | null> =>
  new Promise((resolve, reject) => {
    lstat(path, { bigint: true }, (error, found) => {
      if (error === null) resolve(found);
      else if (error.code === 'ENOENT') resolve(null);
      else reject(error);
    });
  });

/** Whether the token is valid in this pool: a newer owner takes its directory away. */
export const hasToken = async (store: FileStore, { fencingToken }: CallContext, pool: string): Promise<boolean> =>
  (await lookAt(store.layout.tokenDirectory(pool, fencingToken))) !== null;

export async function findObject(store: FileStore, address: ObjectAddress): Promise<StoredObject | null> {
  const path = store.layout.pathOf(address);
  const found = await lookAt(path);
  if (found === null) return null;
  if (!found.isFile())
    throw new DriverError(`${address.kind} ${address.name} in pool ${address.pool} is not a regular file`);
  return {
    path,
    sizeBytes: Number(found.size),
    allocatedBytes: Number(found.blocks) * STAT_BLOCK_BYTES,
    identity: `${found.dev}:${found.ino}`,
  };
}

export async function requireObject(store: FileStore, address: ObjectAddress): Promise<StoredObject> {
  const found = await findObject(store, address);
  if (found === null)
    throw new DriverError(`${address.kind} ${address.name} is not in pool ${address.pool} of the backend`);
  return found;
}

/** Whether the object is complete already: an earlier run made it. One of another size is not ours to replace. */
export async function isComplete(store: FileStore, address: ObjectAddress, sizeBytes: number): Promise<boolean> {
  const found = await findObject(store, address);
  if (found === null) return false;
  if (found.sizeBytes !== sizeBytes) {
    throw new DriverError(
      `pool ${address.pool} has another ${address.kind} ${address.name}: ${found.sizeBytes} bytes instead of ${sizeBytes}`,
    );
  }
  // The earlier run may have died before its name was safe from a power cut.
  await syncObjects(store, address);
  return true;
}

export const syncObjects = (store: FileStore, address: ObjectAddress): Promise<void> =>
  store.effects.syncDirectory(store.layout.objectsDirectory(address.kind, address.pool));

/** Unlinks; gone already is success. */
export const discard = (store: FileStore, path: string): Promise<void> =>
  unless(['ENOENT'], store.effects.unlink(path), undefined);

/** Opens a new file aside. What an earlier run left is unlinked, never written to: it may be a second name of a volume. */
export async function openAside(store: FileStore, aside: string): Promise<WritableFile> {
  const file = await unless(['EEXIST'], store.effects.openFile(aside, 'wx'), null);
  if (file !== null) return file;
  await discard(store, aside);
  return store.effects.openFile(aside, 'wx');
}

/**
 * Makes (or replaces) an object: `fill` makes its file aside, which gets its length, is synced and renamed to the final
 * name. Where anything fails or the signal aborts, nothing bears the final name and nothing is left aside.
 */
export async function build(
  store: FileStore,
  context: CallContext,
  address: ObjectAddress,
  sizeBytes: number,
  fill: (aside: string) => Promise<WritableFile>,
): Promise<void> {
  const aside = store.layout.asidePath(address, context.fencingToken, 'new');
  try {
    const file = await fill(aside);
    try {
      await file.truncate(sizeBytes);
      await file.sync();
    } finally {
      await file.close();
    }
    context.signal.throwIfAborted();
    await store.effects.rename(aside, store.layout.pathOf(address));
  } catch (error) {
    await discard(store, aside).catch(() => undefined);
    throw error;
  }
  await syncObjects(store, address);
}

/** Takes an object's name away, then its data; gone already is success. */
export async function remove(store: FileStore, context: CallContext, address: ObjectAddress): Promise<void> {
  const aside = store.layout.asidePath(address, context.fencingToken, 'removed');
  try {
    await store.effects.rename(store.layout.pathOf(address), aside);
  } catch (error) {
    // The object is gone, or the token's directory is: then it is not ours to delete, nor to say that it is gone.
    const isGone = errnoOf(error) === 'ENOENT' && (await findObject(store, address)) === null;
    if (!isGone || !(await hasToken(store, context, address.pool))) throw error;
  }
  await syncObjects(store, address);
  await discard(store, aside);
}

/**
 * Gives an object another name or pool by way of the token's directory, so that a stale worker's move fails. False where
 * the file systems differ or know no second names; `sizeBytes` is the length it must have in the end.
 */
export async function relocate(
  store: FileStore,
  context: CallContext,
  from: ObjectAddress,
  to: ObjectAddress,
  sizeBytes: number,
): Promise<boolean> {
  const source = await findObject(store, from);
  const target = await findObject(store, to);
  if (source === null && target === null) await requireObject(store, from);
  if (source !== null && target !== null && source.identity !== target.identity) {
    throw new DriverError(`pool ${to.pool} has another ${to.kind} ${to.name}`);
  }
  if (target !== null) {
    await growTo(store, target, to, sizeBytes);
    await syncObjects(store, to);
  } else if (source !== null) {
    const aside = store.layout.asidePath(to, context.fencingToken, 'moved');
    await discard(store, aside);
    const linked = await unless(
      ['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'],
      store.effects.link(source.path, aside).then(() => true),
      false,
    );
    if (!linked) return false;
    try {
      await growTo(store, { ...source, path: aside }, from, sizeBytes);
      context.signal.throwIfAborted();
      await store.effects.rename(aside, store.layout.pathOf(to));
    } catch (error) {
      await discard(store, aside).catch(() => undefined);
      throw error;
    }
    await syncObjects(store, to);
  }
  // Also where the old name is gone already: an earlier run may have died before its data was.
  if (store.layout.pathOf(from) !== store.layout.pathOf(to)) await remove(store, context, from);
  return true;
}

/** Makes the file longer where it is too short; a longer one is an error, since nothing is ever cut off. */
export async function growTo(
  store: FileStore,
  object: StoredObject,
  address: ObjectAddress,
  sizeBytes: number,
): Promise<void> {
  if (object.sizeBytes > sizeBytes) {
    throw new DriverError(
      `${address.kind} ${address.name} has ${object.sizeBytes} bytes already, more than the ${sizeBytes} asked for`,
    );
  }
  const file = await store.effects.openFile(object.path, 'r+');
  try {
    if (object.sizeBytes < sizeBytes) await file.truncate(sizeBytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
