import { defineConfig } from 'vitest/config'
import type { TestCase } from 'vitest/node'

/** A test that needs its second try is to be mended, and is named for that. */
function tellFlaky(test: TestCase): void {
  if (test.diagnostic()?.flaky)
    console.warn(`passed by its second try alone: ${test.module.relativeModuleId} > ${test.fullName}`)
}

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
    // Machines that are shared stop for seconds, and what waits for less fails. By hand nothing gets a second try.
    retry: process.env.CI === 'true' ? 1 : 0,
    reporters: ['default', { onTestCaseResult: tellFlaky }],
    // Two files at once: each starts a real PostgreSQL or a real engine.
    maxWorkers: 2,
    pool: 'forks',
  },
})
