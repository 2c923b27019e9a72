import { defineConfig } from 'vitest/config';

/** The adapters of the real engines (`npm run test:engines`): against servers that are named or started for the run. */
export default defineConfig({
  test: {
    include: ['tests/contracts/*{mongodb,eventstoredb}*.test.ts', 'tests/adapters/{mongodb,eventstoredb}/**/*.test.ts'],
    globalSetup: ['tests/adapters/mongodb/server.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
});
