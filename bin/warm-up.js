// Compiles what a server loads ahead of its first start; `npm ci` runs it. Nothing depends on it.
import { keepCompiled } from './compile-cache.js';

keepCompiled();
const later = ['../src/main.ts', '../src/cli/serve.ts', '../src/adapters/sqlite/writer-thread.ts'];
// a file that cannot be run here, as a thread's, has been compiled when it says so
await Promise.allSettled(later.map((file) => import(file)));
