// Both directions of a stream; each is a story of its own.
export { decoder } from './decoder.ts'
export { encoder } from './encoder.ts'
