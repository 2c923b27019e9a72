import { defineConfig } from 'vitest/config';

/** The fast suite: no isolation between files, so that modules load once per worker. */
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Tiers of their own: real servers, engines and long runs.
    exclude: [
      'tests/e2e/**',
      'tests/engines/**',
      'tests/**/*mongodb*.test.ts',
      'tests/**/*eventstoredb*.test.ts',
      'tests/adapters/{mongodb,eventstoredb}/**',
    ],
    pool: 'threads',
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: ['default'],
  },
});
