// How far a budget has come: pure, from what was spent, the period and the moment.
import { type budget, type DocumentOf, formatDecimal, parseDecimal, type Span } from '@switchyard/kinds'

type Budget = DocumentOf<typeof budget>
type Status = Budget['status']

/** What is known of the period that runs. */
export interface Spent {
  readonly span: Span
  /** Decimal, in the currency. */
  readonly amount: string
  readonly currency: string
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface Told {
  /** CamelCase, of an Event. */
  readonly reason: 'BudgetThreshold' | 'BudgetForecast'
  readonly message: string
}

/** A period of which so little is over says nothing of its end. */
const leastShare = 10n
const hour = 3_600_000

/** Linear: what was spent, over the whole period as over what is gone of it; undefined before a tenth is. */
function forecastOf(spent: bigint, { startsAt, endsAt }: Span, at: number): bigint | undefined {
  const length = BigInt(endsAt - startsAt)
  // By the hour: what nothing is spent of must not be another document with each look.
  const hourly = at - ((at - startsAt) % hour)
  const gone = BigInt(Math.max(0, Math.min(hourly, endsAt) - startsAt))
  return gone * leastShare < length ? undefined : (spent * length) / gone
}

/** The status that is true now, and what nobody was told yet of this period. */
export function judgeBudget(
  { spec, status, metadata }: Pick<Budget, 'spec' | 'status' | 'metadata'>,
  { span, amount, currency, at }: Spent,
): { readonly status: Status; readonly told: readonly Told[] } {
  const spent = parseDecimal(amount) ?? 0n
  const most = parseDecimal(spec.amount) ?? 0n
  const from = new Date(span.startsAt).toISOString()
  const before = new Set(status.from === from ? status.told : [])
  const forecast = forecastOf(spent, span, at)
  const reached = [...new Set(spec.alerts)]
    .toSorted((one, other) => one - other)
    .filter(percent => spent * 100n >= most * BigInt(percent))
  const told: Told[] = reached
    .filter(percent => !before.has(String(percent)))
    .map(percent => ({
      reason: 'BudgetThreshold',
      message: `${percent} % of ${spec.amount} ${currency} are spent: ${amount} since ${from}.`,
    }))
  const isAhead = forecast !== undefined && forecast > most && spent < most
  if (spec.forecast && isAhead && !before.has('forecast'))
    told.push({
      reason: 'BudgetForecast',
      message: `${formatDecimal(forecast)} ${currency} by the end of the period if it goes on like this, of ${spec.amount}.`,
    })
  const reason = spent >= most ? 'Exceeded' : isAhead ? 'Forecast' : 'Within'
  const last = status.conditions?.find(({ type }) => type === 'WithinBudget')
  const condition = {
    type: 'WithinBudget',
    status: reason === 'Exceeded' ? ('False' as const) : ('True' as const),
    reason,
    message: `${amount} of ${spec.amount} ${currency} since ${from}.`,
    observedGeneration: metadata.generation,
    lastTransitionTime: last?.reason === reason ? last.lastTransitionTime : new Date(at).toISOString(),
  }
  return {
    status: {
      ...status,
      spent: amount,
      forecast: forecast === undefined ? null : formatDecimal(forecast),
      currency,
      from,
      to: new Date(span.endsAt).toISOString(),
      told: [
        ...new Set([...before, ...reached.map(String), ...(spec.forecast && isAhead ? ['forecast'] : [])]),
      ],
      conditions: [...(status.conditions ?? []).filter(({ type }) => type !== 'WithinBudget'), condition],
    },
    told,
  }
}
