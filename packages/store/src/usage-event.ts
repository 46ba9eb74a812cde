// A usage event's columns, and whether it can be used, by its own fields: the first rule that it breaks.
import { serviceTiers } from '@switchyard/kinds'
import { attemptOutcomes, endReasons, type UsageEvent, type UsageUnit, usageUnits } from '@switchyard/runtime'

/** `tok.in.uncached` is the column `tok_in_uncached`. */
export const columnOf = (unit: UsageUnit): string => unit.replaceAll('.', '_')

const counts = usageUnits.map(unit => `'"${unit}":"' || e.${columnOf(unit)} || '"'`)

/**
 * SQL for a JSON object, as a text, of what the event `e` has counted, as decimal strings. Put together from what there is, with
 * no object of all units before it: most of them are null.
 */
export const quantitiesText = `('{' || concat_ws(',', ${counts.join(', ')}) || '}')`

export type Refusal =
  | 'conflict'
  | 'bad_schema'
  | 'unknown_unit'
  | 'negative'
  | 'too_old'
  | 'future'
  | 'unpriced'
  | 'poison'

const day = 86_400_000
const oldest = 35 * day
const ahead = 5 * 60_000
const most = 2n ** 63n - 1n

/** `<request UUIDv7>:<attempt>:<part>` */
const idPattern =
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:\d{1,9}:[a-z0-9-]{1,64}$/
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const workspacePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/
const units: ReadonlySet<string> = new Set(usageUnits)
const outcomes: ReadonlySet<string> = new Set(attemptOutcomes)
const mostAttempts = 64
const ends: ReadonlySet<string> = new Set(endReasons)
const tiers: ReadonlySet<string> = new Set(serviceTiers)
const billables: ReadonlySet<string> = new Set(['caller', 'cost'])
/** Number of a slice, or that the database held for the request alone. */
const holdPattern = /^(\d{1,18}|row)$/
const sources: ReadonlySet<string> = new Set(['provider', 'engine', 'counted', 'estimated', 'none'])

/** What was sent may be anything: the type is only a promise of the sender. */
type Sent = { readonly [K in keyof UsageEvent]: unknown } & { readonly data: Record<string, unknown> }

export function refuseEvent(event: UsageEvent, now: Date): Refusal | undefined {
  if (!isObject(event) || !isObject(event.data)) return 'bad_schema'
  // Why `as`: widening to unknown fields, each of which is looked at below.
  const sent = event as unknown as Sent
  const { data } = sent
  if (sent.specversion !== '1.0' || sent.type !== 'switchyard.usage.v1' || !isText(sent.source))
    return 'bad_schema'
  if (!isText(sent.subject) || !matches(sent.id, idPattern) || !matches(data.request, uuidPattern))
    return 'bad_schema'
  if (!matches(data.workspace, workspacePattern)) return 'bad_schema'
  if (!isTime(sent.time) || !isTime(data.endedAt)) return 'bad_schema'
  for (const name of ['key', 'keyName', 'model', 'endpoint', 'upstream', 'operation'])
    if (!isText(data[name])) return 'bad_schema'
  if (data.project !== null && !isText(data.project)) return 'bad_schema'
  for (const name of ['provider', 'region', 'upstreamModel'])
    if (data[name] !== undefined && !isText(data[name])) return 'bad_schema'
  if (data.tier !== undefined && !isOneOf(data.tier, tiers)) return 'bad_schema'
  if (data.hold !== undefined && !matches(data.hold, holdPattern)) return 'bad_schema'
  if (!isOneOf(data.end, ends) || !isOneOf(data.billable, billables)) return 'bad_schema'
  if (!isOneOf(data.usageSource, sources) || typeof data.streamed !== 'boolean') return 'bad_schema'
  const { status, flags, quantities, firstTokenMs, attempts } = data
  if (!isStatus(status)) return 'bad_schema'
  if (firstTokenMs !== undefined && !isMilliseconds(firstTokenMs)) return 'bad_schema'
  if (attempts !== undefined && !isAttempts(attempts)) return 'bad_schema'
  if (!Array.isArray(flags) || !flags.every(isText) || !isObject(quantities)) return 'bad_schema'
  for (const [unit, quantity] of Object.entries(quantities)) {
    if (!units.has(unit)) return 'unknown_unit'
    if (typeof quantity !== 'string') return 'bad_schema'
    if (/^-\d+$/.test(quantity)) return 'negative'
    if (!/^\d{1,19}$/.test(quantity) || BigInt(quantity) > most) return 'bad_schema'
  }
  // Last, so that what is too old is an event otherwise.
  const age = now.getTime() - Date.parse(String(sent.time))
  if (age < -ahead) return 'future'
  return age > oldest ? 'too_old' : undefined
}

const isStatus = (value: unknown) => isWithin(value, 999)
/** As an integer of the database. */
const isMilliseconds = (value: unknown) => isWithin(value, 2 ** 31 - 1)

const isWithin = (value: unknown, greatest: number) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= greatest

function isAttempts(value: unknown): boolean {
  return Array.isArray(value) && value.length <= mostAttempts && value.every(isAttempt)
}

function isAttempt(value: unknown): boolean {
  if (!isObject(value)) return false
  const { upstream, outcome, status, startMs, contentMs, endMs } = value
  if (!isText(upstream) || !isOneOf(outcome, outcomes) || !isStatus(status)) return false
  if (contentMs !== undefined && !isMilliseconds(contentMs)) return false
  // It is kept as it comes: nothing else is in it.
  if (Object.keys(value).length > (contentMs === undefined ? 5 : 6)) return false
  return isMilliseconds(startMs) && isMilliseconds(endMs)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** PostgreSQL holds no zero character. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 4096 && !value.includes('\0')
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && timePattern.test(value) && !Number.isNaN(Date.parse(value))
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value)
}

function isOneOf(value: unknown, words: ReadonlySet<string>): boolean {
  return typeof value === 'string' && words.has(value)
}
