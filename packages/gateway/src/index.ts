export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'
export type { GatewayObservation } from './house.ts'
export { defaultLimits, type Limits } from './limits.ts'
export type { Route, Upstream } from './route.ts'
export {
  compileSnapshot,
  emptySnapshot,
  type Principal,
  type Snapshot,
  type SnapshotInputs,
} from './snapshot.ts'
