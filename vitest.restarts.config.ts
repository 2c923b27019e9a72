import { defineConfig } from 'vitest/config';

/** Engines that end and start again under a running server (`npm run test:restarts`). Open: it has not been seen passing. */
export default defineConfig({
  test: {
    include: ['tests/engines/restarts.test.ts'],
    globalSetup: ['tests/adapters/mongodb/server.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
