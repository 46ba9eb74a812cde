// `make test-real`: the product against programs that others wrote. One file at a time, for each starts a whole
// Switchyard; a first run also fetches and builds what it needs, so that collecting tests may take minutes.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    dir: import.meta.dirname,
    include: ['*.test.ts'],
    // A program in Python takes seconds to import its client.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    fileParallelism: false,
    pool: 'forks',
    reporters: ['verbose'],
    // What is missing on this machine is said where it is noticed, not folded away.
    disableConsoleIntercept: true,
  },
})
