import { defineConfig } from 'vitest/config';
import { casesPerAdapter } from './tests/contracts/cases-per-adapter.ts';

/**
 * The contracts on every adapter, and the adapters of the real engines (`npm run test:engines`), against servers that are
 * named (SCORIA_TEST_MONGODB, SCORIA_TEST_EVENTSTOREDB) or started for the run.
 */
export default defineConfig({
  test: {
    include: [
      'tests/contracts/{event-store,read-store,coordination}*.test.ts',
      'tests/{adapters/{mongodb,eventstoredb},engines}/**/*.test.ts',
    ],
    globalSetup: ['tests/adapters/mongodb/server.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', casesPerAdapter()],
  },
});
