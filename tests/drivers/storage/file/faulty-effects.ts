import { writeFile } from 'node:fs/promises';
import type { FileEffects, WritableFile } from '../../../../src/drivers/storage/file/effects.ts';
import type { Fault } from '../../../contracts/storage-driver-backend.ts';

/** The process is gone: nothing it would have done after this happens. */
export class ProcessDied extends Error {
  constructor() {
    super('the process died here');
    this.name = 'ProcessDied';
  }
}

const brokenDisk = () => Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });

/**
 * Effects that go wrong at the n-th one (from 0): from there on none happens (dies), that one alone fails, or something
 * else happens first.
 */
export function faultyEffects(real: FileEffects, atEffect: number, fault: Fault) {
  let count = 0;
  const before = async () => {
    const index = count;
    count += 1;
    if (index === atEffect && fault === 'fails') throw brokenDisk();
    if (index >= atEffect && fault === 'dies') throw new ProcessDied();
    if (index === atEffect && typeof fault === 'function') await fault();
  };
  const guarded =
    <Args extends readonly unknown[], Result>(effect: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await before();
      return effect(...args);
    };
  const file = (opened: WritableFile): WritableFile => ({
    write: guarded(opened.write.bind(opened)),
    truncate: guarded(opened.truncate.bind(opened)),
    sync: guarded(opened.sync.bind(opened)),
    // A dead process' files are closed for it.
    close: () => opened.close(),
  });
  const effects: FileEffects = {
    makeDirectory: guarded(real.makeDirectory),
    openFile: guarded(async (path, flags) => file(await real.openFile(path, flags))),
    rename: guarded(real.rename),
    link: guarded(real.link),
    unlink: guarded(real.unlink),
    removeTree: guarded(real.removeTree),
    syncDirectory: guarded(real.syncDirectory),
    reflink: guarded(real.reflink),
    copyByCommand: async (from, to, signal) => {
      try {
        await before();
      } catch (error) {
        // A copy is no single effect: it dies or fails half done.
        if (count === atEffect + 1) await writeFile(to, 'half a copy');
        throw error;
      }
      return real.copyByCommand(from, to, signal);
    },
  };
  return { effects, reached: () => count > atEffect };
}
