// What a plane says about itself: each plane exports a union of observations and takes `observe`; logs,
// metrics and traces interpret it in the apps.

export type Observe<O> = (observation: O) => void
