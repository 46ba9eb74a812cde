// How much may be called at once and in a while: one shape for the platform, a workspace, a project, a key and a
// provider. An absent limit is none; the tightest of all levels decides.
import { z } from 'zod'
import { parseCidr } from './addresses.ts'
import { nameSchema } from './envelope.ts'
import { currencySchema, decimalSchema, parseDecimal } from './money.ts'
import { timezoneSchema } from './period.ts'

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

/** What can be counted exactly in micro-units, in every store of limits. */
const mostMoney = 4_503_599_627n
const micro = 10n ** 6n

const amount = decimalSchema
  .refine(text => (parseDecimal(text) ?? 0n) % micro === 0n, 'write at most 6 digits after the point')
  .refine(text => (parseDecimal(text) ?? 0n) <= mostMoney * micro * micro, `is above ${mostMoney}`)
  .optional()

const moneyLimit = z
  .strictObject({
    perHour: amount.describe('Most of one hour, as text.'),
    perDay: amount.describe('Most of one day.'),
    perWeek: amount.describe('Most of one week, from Monday.'),
    perMonth: amount.describe('Most of one calendar month.'),
    currency: currencySchema.describe('ISO 4217 code: requests are priced by the sale books in it.'),
    timezone: timezoneSchema
      .optional()
      .describe('IANA time zone in which the periods begin; that of the workspace when absent, else UTC.'),
  })
  .refine(
    ({ perHour, perDay, perWeek, perMonth }) =>
      [perHour, perDay, perWeek, perMonth].some(each => each !== undefined),
    'set one of perHour, perDay, perWeek and perMonth, or several',
  )
export type MoneyLimit = z.output<typeof moneyLimit>

const dimensions = {
  requests: requestRate.optional().describe('Rate of requests.'),
  inputTokens: tokenRate.optional().describe('Rate of input tokens, cached ones included.'),
  outputTokens: tokenRate.optional().describe('Rate of output tokens, reasoning included.'),
  tokens: tokenRate.optional().describe('Rate of input and output tokens together.'),
  concurrency: z.int().min(1).max(1_000_000).optional().describe('Requests that may run at once.'),
  money: moneyLimit.optional().describe('What calls may cost in a period, by the price books.'),
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
