export type { DoorOptions } from './door/door.ts'
export type { SessionSource } from './door/sessions.ts'
export type { AttemptEnded, Follow, Followed, Follower, RequestEnded } from './ended.ts'
export type { ExplainAsk, ExplainedTarget, Explanation } from './explain/explanation.ts'
export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'
export { redactor } from './guard/index.ts'
export type { GatewayObservation } from './house.ts'
export { defaultLimits, type Limits } from './limits.ts'
export type { Told } from './metrics/moment.ts'
export { type MetricRow, metricsVersion } from './metrics/names.ts'
export { Series } from './metrics/series.ts'
export { metricRows } from './metrics.ts'
export type { Route, Upstream } from './route.ts'
export {
  compileSnapshot,
  emptySnapshot,
  type Principal,
  type Snapshot,
  type SnapshotInputs,
} from './snapshot.ts'
export { Wallets } from './wallet/wallets.ts'
export { type GuardedFetch, guardedFetch } from './wire/dial-fetch.ts'
export { WireServer } from './wire/server.ts'
