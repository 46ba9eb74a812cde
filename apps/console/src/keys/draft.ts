// What is asked for of a new key, and the document that it makes.

export interface Draft {
  readonly name: string
  readonly workspace: string
  /** Empty is none. */
  readonly project: string
  /** `User/ada` or `ServiceAccount/ci`. */
  readonly owner: string
  readonly models?: readonly string[]
  readonly requestsPerMinute?: number | null
  readonly tokensPerMinute?: number | null
  readonly concurrency?: number | null
  /** A decimal. */
  readonly moneyPerMonth?: string | null
  readonly currency?: string
  readonly life: (typeof lives)[number]['value']
}

export const lives = [
  { value: '30d', days: 30, word: 'in30' },
  { value: '90d', days: 90, word: 'in90' },
  { value: '365d', days: 365, word: 'in365' },
  { value: 'never', days: undefined, word: 'never' },
] as const

const dayMilliseconds = 86_400_000

/** What was given; undefined where nothing was. */
function given(parts: Readonly<Record<string, unknown>>): object | undefined {
  const some = Object.entries(parts).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  )
  return some.length === 0 ? undefined : Object.fromEntries(some)
}

/** `now` in milliseconds since 1970. */
export function documentOf(draft: Draft, now: number): object {
  const { name, workspace, project, models = [], life } = draft
  const [kind = '', owner = ''] = draft.owner.split('/')
  const days = lives.find(({ value }) => value === life)?.days
  const perMinute = (count: number | null | undefined) => given({ perMinute: count })
  const money = given({ perMonth: draft.moneyPerMonth })
  const limits = given({
    requests: perMinute(draft.requestsPerMinute),
    tokens: perMinute(draft.tokensPerMinute),
    concurrency: draft.concurrency,
    money: money && { ...money, currency: draft.currency?.toUpperCase() || 'USD' },
  })
  return {
    apiVersion: 'switchyard.dev/v1',
    kind: 'ApiKey',
    metadata: { name, workspace, ...(project !== '' && { project }) },
    spec: {
      owner: { kind, name: owner },
      ...(models.length > 0 && { models }),
      ...(limits && { limits }),
      ...(days !== undefined && { expiresAt: new Date(now + days * dayMilliseconds).toISOString() }),
    },
  }
}
