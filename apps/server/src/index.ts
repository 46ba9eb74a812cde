export type { Progress, Quickstart } from './progress.ts'
