export { canonical, type Json } from './canonical.ts'
export { type ShipObservation, type ShipOptions, shipUsage } from './ship.ts'
export { usageEvent } from './usage.ts'
