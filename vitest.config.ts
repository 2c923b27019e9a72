import { defineConfig } from 'vitest/config';

/** The fast suite: no isolation between files, so that modules load once per worker. */
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    pool: 'threads',
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: ['default'],
  },
});
