import { dirname } from 'node:path';
import type { CallContext } from '../driver.ts';
import { CHUNK_BYTES, readStream, writeKeepingHoles } from './content.ts';
import type { WritableFile } from './effects.ts';
import { unless } from './faults.ts';
import { discard, type FileStore, openAside, type StoredObject } from './store.ts';

/** What a file system answers that cannot share blocks. */
const NO_REFLINK = ['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EXDEV', 'ENOTTY', 'EPERM'];

/** Copies a stored object into a new file aside and gives that file, open; the caller sets its length. */
export type CopyAside = (source: StoredObject, aside: string, context: CallContext) => Promise<WritableFile>;

/** Lets `limit` callers in at a time; who waits leaves when its signal aborts. */
function gate(limit: number): (signal: AbortSignal, work: () => Promise<void>) => Promise<void> {
  let inside = 0;
  const queue: (() => void)[] = [];
  const enter = (signal: AbortSignal): Promise<void> => {
    if (inside < limit) {
      inside += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const letIn = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        queue.splice(queue.indexOf(letIn), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      queue.push(letIn);
    });
  };
  return async (signal, work) => {
    await enter(signal);
    try {
      await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) inside -= 1;
      else next();
    }
  };
}

/**
 * Makes the driver's way of copying: nothing at all for a source without allocated blocks, else shared blocks where the
 * file system can, else cp, else chunk by chunk. None of them fills holes.
 */
export function copyAsideWith(store: FileStore, maxConcurrentCopies: number): CopyAside {
  const { effects } = store;
  const throughGate = gate(maxConcurrentCopies);
  // Asked once for each pair of directories: a file system that cannot share blocks does not learn it while we run.
  const cannotReflink = new Set<string>();

  const copyByChunks = async (source: StoredObject, aside: string, signal: AbortSignal): Promise<void> => {
    const file = await openAside(store, aside);
    try {
      let position = 0;
      for await (const chunk of readStream(source.path, source.sizeBytes, signal, new Uint8Array(CHUNK_BYTES))) {
        await writeKeepingHoles(file, chunk, position);
        position += chunk.length;
      }
    } finally {
      await file.close();
    }
  };

  const reflinked = async (source: StoredObject, aside: string): Promise<boolean> => {
    const directories = `${dirname(source.path)}>${dirname(aside)}`;
    if (cannotReflink.has(directories)) return false;
    const shared = await unless(
      NO_REFLINK,
      effects.reflink(source.path, aside).then(() => true),
      false,
    );
    if (!shared) cannotReflink.add(directories);
    return shared;
  };

  return async (source, aside, { signal }) => {
    if (source.allocatedBytes === 0) return openAside(store, aside);
    await discard(store, aside);
    if (!(await reflinked(source, aside))) {
      await throughGate(signal, async () => {
        signal.throwIfAborted();
        if (!(await effects.copyByCommand(source.path, aside, signal))) await copyByChunks(source, aside, signal);
      });
    }
    return effects.openFile(aside, 'r+');
  };
}
