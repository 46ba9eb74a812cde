// Who pays for what of a request, by how it has ended and what its workspace has agreed to: one record of what its caller
// pays, and where that is not all, one of what is left to us.
import type { ChargeSpec } from '@switchyard/kinds'
import type { Ended, EndReason } from '@switchyard/runtime'

type Share = 'all' | 'input' | 'none'
type Used = NonNullable<Ended['usage']>

const shares = {
  produced: 'all',
  input_only: 'input',
  none: 'none',
} as const satisfies Record<ChargeSpec['disconnect'], Share>

const shareOf = {
  done: () => 'all',
  budget_cut: () => 'all',
  client_gone: ({ disconnect }) => shares[disconnect],
  caller_deadline: ({ disconnect }) => shares[disconnect],
  upstream_error: ({ failure }) => shares[failure],
  our_timeout: ({ failure }) => shares[failure],
  drained: ({ failure }) => shares[failure],
  guard_blocked: ({ blocked }) => shares[blocked],
  gateway_lost: ({ lost }) => shares[lost],
  refused: () => 'none',
} as const satisfies Record<EndReason, (charge: ChargeSpec) => Share>

export interface Ending {
  readonly ended: Ended
  /** The first byte has left for the caller. */
  readonly committed: boolean
  /** An upstream has taken the request. */
  readonly accepted: boolean
  /** Tokens of input, where no upstream tells them. */
  readonly input: bigint
}

/** The first is the call's. */
export function partsOf({ ended, committed, accepted, input }: Ending, charge: ChargeSpec): readonly Ended[] {
  const share = shareAt(ended.end, committed, charge)
  const usage =
    share !== 'none' && leavesEarly[ended.end] === true && accepted
      ? withInput(ended.usage, input)
      : ended.usage
  if (!usage) return [{ ...ended, usage, billable: share === 'none' ? ended.billable : 'caller' }]
  if (share === 'all') return [{ ...ended, usage, billable: 'caller' }]
  if (share === 'none') return [{ ...ended, usage, billable: 'cost' }]
  const theirs = divided(usage, true)
  const ours = divided(usage, false)
  const call: Ended = { ...ended, usage: theirs, billable: 'caller' }
  return Object.keys(ours.quantities).length === 0
    ? [call]
    : [call, { ...ended, times: undefined, usage: ours, billable: 'cost', part: 'rest' }]
}

/** Nobody pays for what failed before its first byte. */
function shareAt(end: EndReason, committed: boolean, charge: ChargeSpec): Share {
  if (!committed && (end === 'upstream_error' || end === 'our_timeout' || end === 'drained')) return 'none'
  return shareOf[end](charge)
}

/** What upstreams tell at the end alone is then missing. */
const leavesEarly: Readonly<Partial<Record<EndReason, boolean>>> = {
  client_gone: true,
  caller_deadline: true,
  budget_cut: true,
  upstream_error: true,
  our_timeout: true,
  drained: true,
  gateway_lost: true,
}

const isInput = (unit: string) => unit.startsWith('tok.in.') || unit === 'audio.in.ms' || unit === 'char.in'

export function withInput(usage: Ended['usage'], input: bigint): Ended['usage'] {
  if (usage && Object.keys(usage.quantities).some(isInput)) return usage
  if (input === 0n) return usage
  return {
    ...usage,
    source: usage?.source ?? 'estimated',
    flags: [...(usage?.flags ?? []), 'input_estimated'],
    quantities: { 'tok.in.uncached': input, ...usage?.quantities },
  }
}

function divided({ quantities, ...counted }: Used, input: boolean): Used {
  const some = Object.entries(quantities).filter(([unit]) => isInput(unit) === input)
  return { ...counted, quantities: Object.fromEntries(some) }
}
