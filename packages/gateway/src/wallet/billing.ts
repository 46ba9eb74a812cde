// Who pays for calls out of which account, as the Workspace says it.
import { type BillingSpec, type ChargeSpec, parseDecimal } from '@switchyard/kinds'
import type { Payer } from '@switchyard/runtime'
import type { Purse } from './counted.ts'

export interface Billing {
  readonly payer: Payer
  readonly purse: Purse
  /** What calls pay that do not end well. */
  readonly charge: ChargeSpec
  /** Let in while balances cannot be read, in 10^-12 of the currency; 0 refuses. */
  readonly lend: bigint
}

/** Undefined where nothing is billed. */
export function billingOf(
  workspace: string,
  project: string | null,
  spec: BillingSpec | undefined,
  currency: string,
): Billing | undefined {
  if (!spec) return undefined
  const own = project === null ? undefined : spec.projects?.[project]
  const { mode } = own ?? spec
  if (mode === 'none') return undefined
  const { charge, onStoreLoss, openAmount } = spec
  // What was paid in cannot be lent.
  const open = mode === 'postpaid' && onStoreLoss === 'open' && openAmount !== undefined
  return Object.freeze({
    payer: Object.freeze({ workspace, project: own && project !== null ? project : '' }),
    purse: Object.freeze({ kind: mode, currency }),
    charge,
    lend: open ? (parseDecimal(openAmount) ?? 0n) : 0n,
  })
}
