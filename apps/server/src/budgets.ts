// Looks every minute how far each budget has come, in one process of all. What is told and that it was told are written
// together, so that nothing is told twice in a period, whoever restarts.
import { budget, type DocumentOf, periodAt, type workspace } from '@switchyard/kinds'
import { judgeBudget } from '@switchyard/ledger'
import {
  type Clock,
  keepTurns,
  type Leases,
  type Observe,
  type Store,
  type UsageStore,
} from '@switchyard/runtime'

const everyMilliseconds = 60_000
const leaseSeconds = 180
const lease = 'budgets'
const control = { role: 'control' } as const

export type BudgetObservation =
  | {
      readonly type: 'budget_told'
      readonly workspace: string | null
      readonly budget: string
      readonly reason: string
      readonly message: string
    }
  | { readonly type: 'budgets_failed'; readonly error: unknown }

export interface BudgetsOptions {
  readonly store: Store
  readonly usage: Pick<UsageStore, 'usage'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly observe: Observe<BudgetObservation>
}

export function keepBudgets(
  options: BudgetsOptions & { readonly leases: Leases; readonly holder: string; readonly clock: Clock },
): AsyncDisposable {
  const { leases, holder, clock, observe } = options
  return keepTurns({
    async turn() {
      if (await leases.acquire(lease, holder, leaseSeconds)) await lookAtBudgets(options)
    },
    failed: error => observe({ type: 'budgets_failed', error }),
    pause: everyMilliseconds,
    clock,
  })
}

/** One look at all of them; one that fails does not hold up the others. */
export async function lookAtBudgets(options: BudgetsOptions): Promise<void> {
  const { budgets, workspaces } = await options.store.read(control, async tx => ({
    budgets: (await tx.list({ kind: 'Budget' })).items,
    workspaces: (await tx.list({ kind: 'Workspace', workspace: null })).items,
  }))
  // Why `as`: the API has checked them against their kinds.
  const places = new Map(
    workspaces.map(place => [place.metadata.name, place as DocumentOf<typeof workspace>]),
  )
  for (const each of budgets as readonly DocumentOf<typeof budget>[]) {
    const place = places.get(each.metadata.workspace ?? '')
    if (!place) continue
    try {
      await look(each, place, options)
    } catch (error) {
      options.observe({ type: 'budgets_failed', error })
    }
  }
}

async function look(
  { spec, metadata }: DocumentOf<typeof budget>,
  { spec: { timezone, currency } }: DocumentOf<typeof workspace>,
  { store, usage, now, observe }: BudgetsOptions,
): Promise<void> {
  const at = now()
  const span = periodAt(spec.period, timezone, at)
  const { name, workspace: place, id } = metadata
  const { project, key, model } = spec
  const [sum] = await usage.usage(control, {
    workspace: place ?? '',
    from: new Date(span.startsAt).toISOString(),
    to: new Date(span.endsAt).toISOString(),
    by: [],
    ...(project !== undefined && { project }),
    ...(key !== undefined && { key }),
    ...(model !== undefined && { model }),
  })
  const amount = sum?.amounts.find(each => each.currency === currency)?.amount ?? '0'
  const { value } = await store.write(control, async tx => {
    const key = { kind: 'Budget', workspace: place, name }
    const held = (await tx.lock(key, 'update')) as DocumentOf<typeof budget> | undefined // checked by the API
    if (!held || held.metadata.id !== id) return []
    const { status: judged, told } = judgeBudget(held, { span, amount, currency, at })
    const status = { ...judged, phase: budget.phase({ ...held, status: judged }) }
    for (const { reason, message } of told)
      await tx.event({ object: { ...key, id }, type: 'Warning', reason, message })
    if (JSON.stringify(status) !== JSON.stringify(held.status)) await tx.update({ ...held, status }, null)
    return told
  })
  for (const told of value) observe({ type: 'budget_told', workspace: place, budget: name, ...told })
}
