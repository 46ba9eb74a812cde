export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'
export type { GatewayObservation } from './house.ts'
export { defaultLimits, type Limits } from './limits.ts'
export {
  compileSnapshot,
  emptySnapshot,
  type Model,
  type Principal,
  type Snapshot,
  type SnapshotInputs,
  type Upstream,
} from './snapshot.ts'
