// A quota: what of it is used, borrowed and lent. Who asks for more than that is told by its endpoint.
import {
  type Allowance,
  type Decision,
  type Key,
  keyOf,
  type Quotas,
  type ReadTransaction,
  type Reconciler,
  reconciler,
  type Share,
  type Watch,
} from '@switchyard/runtime'
import { claim, listed, type QuotaDocument } from './documents.ts'

/** A quota that left a cohort wakes nobody there. */
const againMs = 60_000

export function decideQuota({ spec }: QuotaDocument, allowance: Allowance | undefined): Decision {
  if (!allowance) return { actions: [] } // it is gone by now
  const { shares, returns } = allowance
  const owed = returns.length
  const exceeded = shares.filter(({ used, limit }) => used > limit)
  const within =
    owed > 0
      ? claim(
          'Within',
          'True',
          'GivingBack',
          `${owed} borrowed replicas are given back to those who lent them.`,
        )
      : exceeded.length > 0
        ? claim(
            'Within',
            'False',
            'Exceeded',
            `${exceeded.map(saidOf).join(', ')}: no more are placed until some have gone.`,
          )
        : claim('Within', 'True', 'Within', '')
  return {
    actions: [],
    status: {
      ...shares.filter(({ accelerator }) => accelerator === undefined).map(countsOf)[0],
      owed,
      ...(spec.flavors ? { flavors: shares.filter(({ accelerator }) => accelerator).map(flavorOf) } : {}),
      conditions: [within],
    },
    ...(spec.cohort === undefined ? {} : { again: againMs }),
  }
}

/** What a share is of, in words. */
export const countedIn = ({ accelerator, product }: Share): string =>
  accelerator === undefined
    ? 'replicas'
    : `devices of ${accelerator}${product === undefined ? '' : ` ${product}`}`

const saidOf = (share: Share) => `${share.used} ${countedIn(share)} are there and ${share.limit} may be`

const countsOf = ({ declared, used, limit, borrowed, lent }: Share) => ({
  declared,
  used,
  limit,
  borrowed,
  lent,
})

const flavorOf = (share: Share) => ({
  accelerator: share.accelerator,
  ...(share.product === undefined ? {} : { product: share.product }),
  ...countsOf(share),
})

/** The quotas that a document of a workspace counts for: its own and those of its cohort. */
async function cohortOf(workspace: string, tx: ReadTransaction): Promise<readonly Key[]> {
  const [own] = await listed<QuotaDocument>(tx, { kind: 'Quota', workspace })
  if (!own) return []
  if (own.spec.cohort === undefined) return [keyOf(own)]
  const fields = [{ key: 'spec.cohort', operator: 'in', values: [own.spec.cohort] }] as const
  return (await listed<QuotaDocument>(tx, { kind: 'Quota', fields })).map(keyOf)
}

/** Many changes are looked at in one transaction, most of them of one workspace: asked once for each. */
const asked = new WeakMap<ReadTransaction, Map<string, Promise<readonly Key[]>>>()

const cohort: Watch['keys'] = ({ metadata: { workspace } }, tx) => {
  if (workspace === null) return []
  const known = asked.get(tx) ?? new Map<string, Promise<readonly Key[]>>()
  asked.set(tx, known)
  const keys = known.get(workspace) ?? cohortOf(workspace, tx)
  known.set(workspace, keys)
  return keys
}

export function quotaReconciler(quotas: Quotas): Reconciler {
  return reconciler<QuotaDocument, Allowance | undefined>({
    name: 'quota',
    kind: 'Quota',
    watches: ['Endpoint', 'Replica', 'Quota'].map(kind => ({ kind, keys: cohort })),
    decide: decideQuota,
    observe: ({ metadata: { workspace } }) => quotas.allowance(workspace ?? ''),
  })
}

/** Endpoints that a change of their workspace's quota concerns: those that wait for it, and those that owe. */
export const concerned: Watch['keys'] = async (document, tx): Promise<readonly Key[]> => {
  const { metadata, status } = document as QuotaDocument // watched by kind
  const endpoints = (await tx.list({ kind: 'Endpoint', workspace: metadata.workspace })).items
  const owes = (status.owed ?? 0) > 0
  const waits = (of: QuotaDocument['status']) =>
    of.conditions?.some(({ type, status: is }) => type === 'QuotaOk' && is === 'False') ?? false
  return endpoints.filter(each => owes || waits(each.status as QuotaDocument['status'])).map(keyOf) // conditions are common
}
