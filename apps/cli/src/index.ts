// The command line as a library: tests and the reference page run it in-process.
export { createProgram, run } from './program.ts'
export type { Terminal } from './terminal.ts'
