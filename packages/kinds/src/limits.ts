// How much may be called at once and in a while: one shape for the platform, a workspace, a project, a key and a
// provider. An absent limit is none; the tightest of all levels decides.
import { z } from 'zod'
import { parseCidr } from './addresses.ts'
import { nameSchema } from './envelope.ts'

const most = 1_000_000_000_000
const count = z.int().min(1).max(most)
const burst = count
  .optional()
  .describe('How many may come at once; the rate of one minute or second when absent.')

const requestRate = z
  .strictObject({
    perMinute: count.optional().describe('Requests per minute.'),
    perSecond: count.optional().describe('Requests per second.'),
    burst,
  })
  .refine(
    ({ perMinute, perSecond }) => (perMinute === undefined) !== (perSecond === undefined),
    'set one of perMinute and perSecond',
  )
const tokenRate = z.strictObject({ perMinute: count.describe('Tokens per minute.'), burst })

const dimensions = {
  requests: requestRate.optional().describe('Rate of requests.'),
  inputTokens: tokenRate.optional().describe('Rate of input tokens, cached ones included.'),
  outputTokens: tokenRate.optional().describe('Rate of output tokens, reasoning included.'),
  tokens: tokenRate.optional().describe('Rate of input and output tokens together.'),
  concurrency: z.int().min(1).max(1_000_000).optional().describe('Requests that may run at once.'),
} as const

export const modelLimitsSchema = z.strictObject(dimensions)

/** A public model name, or the start of one and a `*`. */
export const modelPattern = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^*\s]*\*?$/, 'use a model name, or the start of one and a single trailing *')

export const limitsSchema = z.strictObject({
  ...dimensions,
  models: z
    .record(modelPattern, modelLimitsSchema)
    .refine(models => Object.keys(models).length <= 200, 'at most 200 models')
    .optional()
    .describe('The same limits for single models, beside those for all; a trailing * is a wildcard.'),
})
export type LimitsSpec = z.output<typeof limitsSchema>
export type ModelLimits = z.output<typeof modelLimitsSchema>

export const cidrSchema = z
  .string()
  .max(49)
  .refine(text => parseCidr(text) !== undefined, 'use a range such as 10.0.0.0/8 or fd00::/8, or an address')

/** Whom to let in, by the address that a request comes from. */
export const addressesSchema = z
  .strictObject({
    allow: z
      .array(cidrSchema)
      .max(1000)
      .optional()
      .describe('Ranges that callers must come from; any when absent, none when empty.'),
    deny: z.array(cidrSchema).max(1000).default([]).describe('Ranges that are refused, whatever allow says.'),
  })
  .describe('IP addresses that requests may come from.')
export type AddressesSpec = z.output<typeof addressesSchema>

/** A time that may be left out. */
export const milliseconds = (most: number) => z.int().min(1).max(most).optional()

export const accessSchema = z
  .strictObject({
    projects: z.array(nameSchema).max(1000).optional().describe('Projects whose keys may call it.'),
    keys: z.array(nameSchema).max(1000).optional().describe('Names of the API keys that may call it.'),
  })
  .optional()
  .describe('Who may call it: a key that is named, or of a project that is; any key when absent.')
export type AccessSpec = z.output<typeof accessSchema>
