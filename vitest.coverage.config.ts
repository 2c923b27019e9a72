import { defineConfig } from 'vitest/config';

/** The domain alone, held to all branches (`npm run test:coverage`). */
export default defineConfig({
  test: {
    include: ['tests/domain/**/*.test.ts'],
    pool: 'threads',
    coverage: {
      provider: 'v8',
      include: ['src/domain/**/*.ts'],
      reporter: ['text-summary', 'text'],
      thresholds: { branches: 100 },
    },
  },
});
