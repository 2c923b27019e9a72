import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function run(command: string, ...options: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, options, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`this drill needs root: ${command} ${options.join(' ')} failed: ${error?.message ?? stderr.trim()}`);
}

/** A file system of its own, so small that it can be filled. */
export interface SmallDisk {
  readonly directory: string;
  /** Takes all the space there is but this; in MiB or less. */
  fill(butBytes?: number): void;
  /** Gives back what `fill` took. */
  free(): void;
  unmount(): void;
}

/** Mounts one at a directory; throws where this process may not mount. */
export function mountSmallDisk(directory: string, sizeMiB: number): SmallDisk {
  mkdirSync(directory, { recursive: true });
  run('mount', '-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'scoria-drill', directory);
  const ballast = join(directory, 'ballast');
  return {
    directory,
    fill: (butBytes = 0) => {
      const file = openSync(ballast, 'w');
      const block = Buffer.alloc(64 * 1024, 1);
      try {
        for (;;) writeSync(file, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        fsyncSync(file);
        closeSync(file);
      }
      if (butBytes > 0) run('truncate', '-s', `-${butBytes}`, ballast);
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => run('umount', '--lazy', directory),
  };
}

export const remountReadOnly = (directory: string): void => run('mount', '-o', 'remount,ro', directory);

/** Makes files that nobody can write to, not even who has them open: as on a file system that went read-only. */
export const setImmutable = (files: readonly string[], immutable: boolean): void =>
  run('chattr', immutable ? '+i' : '-i', ...files);

/** Why no file system can be mounted here; null where one can. */
export const whyNoMounts = (): string | null =>
  tried((directory) => {
    mountSmallDisk(directory, 1).unmount();
  });

/** Why no file of the temporary directory can be made immutable; null where one can. */
export const whyNotImmutable = (): string | null =>
  tried((directory) => {
    const file = join(directory, 'file');
    closeSync(openSync(file, 'w'));
    setImmutable([file], true);
    setImmutable([file], false);
  });

function tried(attempt: (directory: string) => void): string | null {
  const directory = mkdtempSync(join(tmpdir(), 'scoria-drill-'));
  try {
    attempt(directory);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
