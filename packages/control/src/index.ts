export type { Registries } from './registry.ts'
export { type ControlObservation, type ControlOptions, startControl } from './start.ts'
