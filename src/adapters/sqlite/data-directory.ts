import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A server cannot keep its data here. The message names the directory and says why. */
export class DataDirectoryUnusable extends Error {
  readonly directory: string;

  constructor(directory: string, why: string, options?: ErrorOptions) {
    super(`data directory ${directory} cannot be used: ${why}`, options);
    this.name = 'DataDirectoryUnusable';
    this.directory = directory;
  }
}

/** Makes the directory where there is none, for this user alone, and sees whether it can be written to. Throws DataDirectoryUnusable. */
export function prepareDataDirectory(directory: string): void {
  try {
    // First: of a directory that cannot be made, Node says only that it is not there.
    accessSync(nearestOf(resolve(directory)), constants.W_OK | constants.X_OK);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new DataDirectoryUnusable(directory, reasonOf(error), { cause: error });
  }
}

/** The directory, or the first above it that is there. */
const nearestOf = (directory: string): string =>
  existsSync(directory) || dirname(directory) === directory ? directory : nearestOf(dirname(directory));

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EROFS':
      return 'its file system is read-only';
    case 'EACCES':
    case 'EPERM':
      return `user ${process.getuid?.() ?? 'of this process'} may not write to it`;
    case 'ENOTDIR':
    case 'EEXIST':
      return 'a part of its path is a file';
    case 'ENOSPC':
      return 'the disk is full';
    default:
      return error.message;
  }
}
