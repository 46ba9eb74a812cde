export { canonical, type Json } from './canonical.ts'
export { type ShipObservation, type ShipOptions, shipUsage } from './ship.ts'
export { type Admitted, type Ended, type Meter, meter, openEvent, usageEvent } from './usage.ts'
