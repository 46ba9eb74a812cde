// What files of documents say: what is wrong with them, where, and in which order they are written.
export { judge } from './judge.ts'
export { order, referencesOf } from './order.ts'
export { sentence } from './place.ts'
export type { Lookup } from './placeholder.ts'
export { byPlace, located, type Problem, problemAt } from './problem.ts'
export { type Entry, keyOf, type Manifest, readDocuments, readManifests, type Source } from './read.ts'
