import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Keeps what Node.js compiles beside the installed packages: a start takes half the time and 50 MiB less, because no
 * thread loads the TypeScript compiler. Without a place to write to, nothing is kept.
 */
export function keepCompiled() {
  const directory = fileURLToPath(new URL('../node_modules/.cache/scoria', import.meta.url));
  // an old Node.js has no such thing, and is told by others that it is old
  const status = nodeModule.enableCompileCache?.(directory).status;
  // threads ask the environment
  if (status === 1) process.env.NODE_COMPILE_CACHE = directory;
}
