export { canonical, type Json } from './canonical.ts'
export { type Charger, compilePrices, type Prices, type Tariff } from './prices.ts'
export { type ShipObservation, type ShipOptions, shipUsage } from './ship.ts'
export { usageEvent } from './usage.ts'
