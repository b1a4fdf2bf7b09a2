// How tests run: straight from the sources (condition `source`), so that a stale build cannot pass them.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/lint/**/*.test.ts',
      'tools/**/*.test.ts',
      'tests/**/*.test.ts',
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Live tests share this machine's kernel tables; two at a time is what two cores can serve.
    maxWorkers: 2,
  },
});
