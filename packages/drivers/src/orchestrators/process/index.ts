export type { ProcessObservation, ProcessOptions } from './options.ts'
export { openProcesses, type Processes } from './processes.ts'
