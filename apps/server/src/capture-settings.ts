// What of requests and answers is kept, as one setting in JSON.
import { piiTypes } from '@switchyard/kinds'
import { z } from 'zod'

const schema = z.strictObject({
  routes: z.array(z.string().min(1)).min(1),
  ratio: z.number().gt(0).max(1).default(1),
  words: z.array(z.string().trim().min(1).max(256)).max(10_000).default([]),
  pii: z.array(z.enum(piiTypes)).default([...piiTypes]),
  bytes: z.int().min(1024).max(1_048_576).default(65_536),
  days: z.int().min(0).max(365).default(7),
  megabytes: z.int().min(1).max(1_048_576).default(1024),
})

export interface CaptureSettings {
  /** Names of the routes whose requests may be kept. */
  readonly routes: readonly RegExp[]
  /** Share of their requests, above 0 up to 1. */
  readonly ratio: number
  /** What is taken out. */
  readonly words: readonly string[]
  readonly pii: readonly (typeof piiTypes)[number][]
  /** Most of one body; a longer one is left out. */
  readonly bytes: number
  /** Whole days after which it goes. */
  readonly days: number
  readonly megabytes: number
}

/** A route's name; `*` stands for any characters. */
const patternOf = (name: string): RegExp => new RegExp(`^${name.split('*').map(RegExp.escape).join('.*')}$`)

export const captureSetting = z.string().transform((text, context): CaptureSettings => {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON such as {"routes":["*"],"ratio":0.01}' })
    return z.NEVER
  }
  const parsed = schema.safeParse(given)
  if (parsed.success) return Object.freeze({ ...parsed.data, routes: parsed.data.routes.map(patternOf) })
  for (const { path, message } of parsed.error.issues)
    context.addIssue({ code: 'custom', message: `${path.join('.') || 'capture'}: ${message}` })
  return z.NEVER
})
