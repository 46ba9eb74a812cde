// A new password: by a link that an administrator makes or the person asks for, or by the person who knows the old one.
import { type DocumentOf, Fault, findKind, type user } from '@switchyard/kinds'
import type { Identity, IdentityStore, Mailer, Peer, Secrets, Store } from '@switchyard/runtime'
import { z } from 'zod'
import { operatorCaller } from './authenticate.ts'
import { absent, type Caller, identityOf, permits } from './authorize.ts'
import { base62 } from './base62.ts'
import { readPatch } from './draft.ts'
import { invalid } from './invalid.ts'
import { type Random, sha256 } from './keys.ts'
import { resetLetter } from './letters.ts'
import { deliver } from './links.ts'
import type { ApiObservation } from './observation.ts'
import { type Passwords, passwordProblems } from './password.ts'
import type { Patience } from './patience.ts'
import type { Answer } from './route.ts'
import { checkEqual } from './rules.ts'
import { isOn } from './sessions.ts'
import type { Writer } from './writing.ts'

type User = DocumentOf<typeof user>

export const askResetSchema = z.strictObject({ email: z.string().min(1).max(254) })
export const redeemSchema = z.strictObject({
  token: z.string().min(1).max(128).describe('From the link.'),
  password: z.string().min(1).max(1024),
})
export const changePasswordSchema = z.strictObject({
  current: z.string().min(1).max(1024),
  password: z.string().min(1).max(1024).describe('The new one.'),
})
export const redeemedSchema = z.object({
  kind: z.literal('PasswordReset'),
  user: z.object({ name: z.string(), email: z.string() }),
})

export interface PasswordChangesOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly identity: IdentityStore
  readonly passwords: Passwords
  readonly patience: Patience
  readonly writer: Writer
  readonly mailer: Mailer | undefined
  readonly observe: (observation: ApiObservation) => void
  readonly random: Random
  readonly issuer: string
}

/** A link that an administrator makes is handed over by hand; one that is mailed is opened at once. */
const handedSeconds = 86_400
const mailedSeconds = 3600

const server: Identity = { role: 'control' }

export interface PasswordChanges {
  /** A link for someone else's password. */
  link(caller: Caller, name: string): Promise<Answer>
  /** Mails a link, or does nothing: the answer is the same, and comes as soon. */
  ask(email: string, peer: Peer): Promise<Answer>
  redeem(input: z.output<typeof redeemSchema>): Promise<Answer>
  /** One's own, knowing the old one; every other session ends. */
  change(caller: Caller, input: z.output<typeof changePasswordSchema>, peer: Peer): Promise<Answer>
  /** Resolves when no letter is on its way. */
  settled(): Promise<void>
}

export function createPasswordChanges(options: PasswordChangesOptions): PasswordChanges {
  const { store, secrets, identity, passwords, patience, writer, mailer, observe, random, issuer } = options
  const kind = findKind('User')!
  /** Letters that are being sent though their askers are answered. */
  const sending = new Set<Promise<void>>()

  const find = (name: string) =>
    store.read(server, tx => tx.get({ kind: 'User', workspace: null, name })) as Promise<User | undefined> // by kind

  async function mint({ metadata: { id, name } }: User, madeBy: string, seconds: number) {
    const token = base62(random(32), 43)
    const { expiresAt } = await identity.putReset({ id, name, hash: sha256(token), madeBy, seconds })
    return { url: `${issuer}/reset#token=${token}`, expiresAt }
  }

  /** Writes it as the person's own act; whoever wrote it before has been asked for their right to. */
  async function write(person: User, password: string): Promise<void> {
    const { name, id } = person.metadata
    const caller = { ...operatorCaller, principal: `user:${name}` }
    await store.write(identityOf(operatorCaller), async tx => {
      const stored = await tx.lock({ kind: 'User', workspace: null, name }, 'update')
      if (!stored || stored.metadata.id !== id) throw absent('User', name)
      await writer.change(
        tx,
        kind,
        caller,
        stored,
        readPatch(kind, { spec: { password } }, stored),
        new Map(),
        [],
      )
    })
  }

  async function letter(person: User): Promise<void> {
    const { url, expiresAt } = await mint(person, `user:${person.metadata.name}`, mailedSeconds)
    await deliver(mailer, resetLetter({ to: person.spec.email, url, expiresAt }), url, observe)
  }

  return {
    async link(caller, name) {
      const person = await find(name)
      if (!person || !permits(caller, kind, 'read', person)) throw absent('User', name)
      if (!isOn(person))
        throw new Fault('conflict', `User ${name} is disabled or being deleted.`, {
          reason: 'account_disabled',
        })
      // Whoever is shown the link can sign in as them.
      checkEqual(caller, await store.grants(`user:${name}`))
      const { url, expiresAt } = await mint(person, caller.principal, handedSeconds)
      const mail = resetLetter({ to: person.spec.email, url, expiresAt })
      const delivered = await deliver(mailer, mail, url, observe)
      return {
        status: 201,
        headers: { 'cache-control': 'no-store' },
        body: { kind: 'PasswordResetLink', user: name, expiresAt, ...delivered },
      }
    },

    async ask(email, { address }) {
      if (!mailer)
        throw new Fault('unsupported', 'This server sends no mail. Ask an administrator for a link.', {
          reason: 'no_mail',
          status: 501,
        })
      const account = email.trim().toLowerCase()
      await patience.ration(`reset-from:${address}`)
      const fields = [{ key: 'spec.email', operator: 'in', values: [account] }] as const
      const query = { kind: 'User', workspace: null, fields, limit: 1 }
      const [found] = (await store.read(server, tx => tx.list(query))).items
      const person = found as User | undefined // listed by kind
      const answer = { status: 202, body: { kind: 'PasswordResetAsked' } }
      if (!person || !isOn(person)) return answer
      // Not waited for: how long it takes would tell that there is such an account.
      const sent = (async () => {
        if (await patience.spare(`reset-of:${account}`)) await letter(person)
      })()
        .catch((error: unknown) => observe({ type: 'mail_failed', error }))
        .finally(() => sending.delete(sent))
      sending.add(sent)
      return answer
    },

    async redeem({ token, password }) {
      const hash = sha256(token)
      const spent = new Fault(
        'unauthenticated',
        'This link was used before, was replaced by a newer one, or has expired. Ask for another.',
        { reason: 'reset_link_invalid' },
      )
      const link = await identity.reset(hash)
      const person = link && (await find(link.name))
      if (!person || person.metadata.id !== link.id || !isOn(person)) throw spent
      const { email } = person.spec
      const { name } = person.metadata
      const problems = passwordProblems(password, email, 'password')
      if (problems.length > 0) throw invalid(problems, 'weak_password')
      if (!(await identity.takeReset(hash))) throw spent
      await write(person, password)
      await identity.endSessionsOf(name)
      await patience.forget(email)
      return { status: 200, body: { kind: 'PasswordReset', user: { name, email } } }
    },

    async change({ principal, credential }, { current, password }, peer) {
      const person = principal.startsWith('user:') ? await find(principal.slice('user:'.length)) : undefined
      if (credential.type !== 'session' || !person)
        throw new Fault('denied', 'Sign in with your password first: a key changes no password.', {
          reason: 'session_needed',
        })
      const stored = await secrets.secret(person.metadata.id, 'password')
      const wrong = new Fault('denied', 'The current password is wrong.', { reason: 'password_wrong' })
      await patience.attempt(person.spec.email, peer, wrong, () => passwords.verify(stored?.hash, current))
      await write(person, password)
      await identity.endSessionsOf(person.metadata.name, credential.id)
      return { status: 204 }
    },

    async settled() {
      await Promise.all(sending)
    },
  }
}
