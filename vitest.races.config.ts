import { defineConfig } from 'vitest/config';

/** Races and fault drills against real servers (`npm run test:races`): too heavy for the fast suite. */
export default defineConfig({
  test: {
    include: ['tests/e2e/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
