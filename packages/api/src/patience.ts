// How often secrets may be guessed: five times at once, then after waits that double, for the account that is tried
// and for the address that tries.
import { Fault } from '@switchyard/kinds'
import type { IdentityStore, Peer, PersonRef } from '@switchyard/runtime'

const freeFailures = 5
const longestWaitSeconds = 900

/** Seconds to wait after so many failures: 1, 2, 4 … from the fifth on, 15 min at most. */
const waitAfter = (count: number) =>
  count < freeFailures ? 0 : Math.min(2 ** (count - freeFailures), longestWaitSeconds)

/** The same by count; what is beyond waits like the last. */
const waits: readonly number[] = Array.from({ length: 16 }, (_, count) => waitAfter(count))

/** Whole seconds that are still to be waited after `count` failures, the newest of them at `lastAt`. */
export function waitSeconds(
  failures: { readonly count: number; readonly lastAt?: string },
  now: number,
): number {
  if (failures.lastAt === undefined) return 0
  const wait = waitAfter(failures.count)
  return Math.max(0, Math.ceil((Date.parse(failures.lastAt) + wait * 1000 - now) / 1000))
}

export interface Patience {
  /**
   * Counts an attempt at an account, makes it, and forgets it when it was right; throws `wrong` when it was not, and
   * `exhausted` without making it while the account or the address must wait.
   */
  attempt(account: string, peer: Peer, wrong: Fault, check: () => Promise<boolean>): Promise<void>
  /** Counts something that is rationed alike; `exhausted` while it must wait. */
  ration(subject: string): Promise<void>
  /** The same, told instead of thrown: whether it may be done now. */
  spare(subject: string): Promise<boolean>
  /** An account's failures no longer count. */
  forget(account: string): Promise<void>
  /** Until when accounts must wait, RFC 3339, of those that must. */
  lockedUntil(accounts: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Lets an account that must wait be tried at once, for an administrator: the trail tells of it. */
  unlock(account: string, person: PersonRef): Promise<void>
}

export function createPatience({
  identity,
  now,
}: {
  readonly identity: IdentityStore
  readonly now: () => number
}): Patience {
  const accountOf = (account: string) => `account:${account}`
  return {
    ration: async subject => refuseFor(await identity.attempt(subject, waits)),
    spare: async subject => (await identity.attempt(subject, waits)) === 0,
    forget: account => identity.clearFailures(accountOf(account)),
    async lockedUntil(accounts) {
      const bySubject = new Map(accounts.map(account => [accountOf(account), account]))
      const failures = await identity.failuresOf([...bySubject.keys()])
      return new Map(
        [...failures].flatMap(([subject, { count, lastAt }]) => {
          const until = Date.parse(lastAt) + waitAfter(count) * 1000
          return count < freeFailures || until <= now()
            ? []
            : [[bySubject.get(subject) ?? '', new Date(until).toISOString()] as const]
        }),
      )
    },
    unlock: (account, person) => identity.unlock(accountOf(account), person),
    async attempt(account, { address }, wrong, check) {
      const from = `address:${address}`
      refuseFor(waitSeconds(await identity.failures(from), now()))
      // Counted before it is made: a hundred guesses at once are no more than five. Those who share an address share
      // its failures alone, so that a hundred people may sign in at once.
      const subject = accountOf(account)
      refuseFor(await identity.attempt(subject, waits))
      if (!(await check())) {
        await identity.recordFailure(from)
        throw wrong
      }
      await identity.clearFailures(subject)
      await identity.clearFailures(from)
    },
  }
}

function refuseFor(seconds: number): void {
  if (seconds > 0)
    throw new Fault('exhausted', `Too many attempts. Try again in ${seconds} s.`, {
      reason: 'sign_in_backoff',
      retryAfterSeconds: seconds,
    })
}
