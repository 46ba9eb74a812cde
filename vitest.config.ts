import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'apps/*/test/**/*.test.ts',
      'models/test/**/*.test.ts',
      'bench/test/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    // They need programs that Switchyard does not: see test/real/vitest.config.ts.
    exclude: ['**/node_modules/**', 'test/real/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two files at once: each starts a real PostgreSQL or a real engine.
    maxWorkers: 2,
    pool: 'forks',
  },
})
