// Signing in by an IdentityProvider: who is meant by whom it vouches for, what they hold by its groups, and how the
// session reaches a browser or a program.
import { createHash } from 'node:crypto'
import { type Document, type DocumentOf, Fault, findKind, type user } from '@switchyard/kinds'
import type { Identity, IdentityStore, Peer, Store } from '@switchyard/runtime'
import { z } from 'zod'
import { operatorCaller } from './authenticate.ts'
import { identityOf } from './authorize.ts'
import { base62 } from './base62.ts'
import { readDraft } from './draft.ts'
import { type Random, sameHash, sha256 } from './keys.ts'
import type { ApiObservation } from './observation.ts'
import type { Answer } from './route.ts'
import { isOn, type Sessions } from './sessions.ts'
import { freeName } from './setup.ts'
import type { Provider, Providers, Vouched } from './sso-provider.ts'
import type { SsoStates } from './sso-state.ts'
import type { Writer } from './writing.ts'

type User = DocumentOf<typeof user>

export const startSchema = z.object({
  return: z
    .string()
    .max(2048)
    .regex(/^\/(?![/\\])[\x21-\x7e]*$/, 'must be a path of this server')
    .default('/')
    .describe('Where the browser goes on to.'),
  port: z.coerce
    .number()
    .int()
    .min(1024)
    .max(65_535)
    .optional()
    .describe('Port of 127.0.0.1 at which a program waits for a code, in place of the browser.'),
  challenge: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, 'must be the base64url SHA-256 of the verifier')
    .optional()
    .describe('With `port`: S256 of what the program keeps to itself (RFC 7636).'),
  state: z.string().max(128).default('').describe('With `port`: given back to the program.'),
})

export const exchangeSchema = z.strictObject({
  code: z.string().min(1).max(128),
  verifier: z.string().min(43).max(128).describe('What the challenge was made of.'),
})

export interface SsoOptions {
  readonly store: Store
  readonly identity: IdentityStore
  readonly sessions: Sessions
  readonly writer: Writer
  readonly providers: Providers
  readonly states: SsoStates
  readonly observe: (observation: ApiObservation) => void
  readonly now: () => number
  readonly random: Random
  /** Public address of this installation. */
  readonly issuer: string
}

export interface Sso {
  list(): Promise<Answer>
  start(name: string, query: z.output<typeof startSchema>): Promise<Answer>
  finish(
    name: string,
    query: Readonly<Record<string, unknown>>,
    cookies: string | undefined,
    peer: Peer,
  ): Promise<Answer>
  exchange(input: z.output<typeof exchangeSchema>, peer: Peer): Promise<Answer>
}

const server: Identity = { role: 'control' }
/** A program takes its code at once. */
const codeSeconds = 60

export function createSso(options: SsoOptions): Sso {
  const { store, identity, sessions, writer, providers, states, observe, now, random, issuer } = options
  const userKind = findKind('User')!
  const secret = () => base62(random(32), 43)
  const returnTo = (name: string) => `${issuer}/api/v1/sso/${name}/return`

  async function providerNamed(name: string): Promise<Provider> {
    const key = { kind: 'IdentityProvider', workspace: null, name }
    const found = (await store.read(server, tx => tx.get(key))) as Provider | undefined // by kind
    if (!found || found.metadata.deletionTimestamp !== undefined)
      throw new Fault('not_found', `There is no identity provider ${name}.`, { reason: 'provider_unknown' })
    return found
  }

  const find = (name: string) =>
    store.read(server, tx => tx.get({ kind: 'User', workspace: null, name })) as Promise<User | undefined> // by kind

  async function findByEmail(email: string): Promise<User | undefined> {
    const fields = [{ key: 'spec.email', operator: 'in', values: [email] }] as const
    const query = { kind: 'User', workspace: null, fields, limit: 1 }
    return (await store.read(server, tx => tx.list(query))).items[0] as User | undefined // listed by kind
  }

  /** The account that is meant: linked before, of the same verified e-mail, or a new one. */
  async function personOf({ spec }: Provider, vouched: Vouched): Promise<User> {
    const linked = await identity.linked(vouched.issuer, vouched.subject)
    const known = linked && (await find(linked.name))
    if (linked && known?.metadata.id === linked.id) return known
    const { email } = vouched
    const spokenFor = email !== undefined && spec.allowedDomains.includes(email.split('@').at(-1) ?? '')
    const person = spokenFor ? await findByEmail(email) : undefined
    if (person) return person
    if (!spokenFor || spec.provision === 'none')
      throw new Fault('denied', 'There is no account for you here. Ask an administrator to invite you.', {
        reason: 'no_account',
      })
    return provision(email, vouched.name)
  }

  async function provision(email: string, displayName: string | undefined): Promise<User> {
    const name = await freeName(email, async wanted => !(await find(wanted)))
    const metadata = { name, ...(displayName === undefined ? {} : { displayName }) }
    const draft = readDraft(userKind, { metadata, spec: { email } }, { workspace: null }, undefined)
    const made = await store.write(identityOf(operatorCaller), tx =>
      writer.insert(tx, userKind, operatorCaller, draft, new Map(), false),
    )
    await identity.endSessionsOf(name)
    return made.value.document as User // made by kind just above
  }

  /** Links, takes over the groups, and notes the sign-in last: that change tells every process to look at grants anew. */
  async function admit(provider: Provider, vouched: Vouched): Promise<User> {
    const person = await personOf(provider, vouched)
    if (!isOn(person))
      throw new Fault('denied', 'Your account is disabled. Ask an administrator.', {
        reason: 'account_disabled',
      })
    const { id, name } = person.metadata
    if (!(await identity.link(vouched.issuer, vouched.subject, { id, name })))
      throw new Fault(
        'denied',
        'The account of your e-mail belongs to someone else whom the provider knows. Ask an administrator.',
        { reason: 'linked_to_another' },
      )
    await identity.setGroups({ id, name }, provider.metadata.name, vouched.groups)
    await store.write(server, async tx => {
      const current = (await tx.lock({ kind: 'User', workspace: null, name }, 'update')) as User | undefined // by kind
      if (!current || current.metadata.id !== id) return
      const others = (current.status.identities ?? []).filter(each => each.issuer !== vouched.issuer)
      const identities = [...others, { issuer: vouched.issuer, subject: vouched.subject }]
      const lastLoginAt = new Date(now()).toISOString()
      await tx.update({ ...current, status: { ...current.status, identities, lastLoginAt } }, null)
    })
    return person
  }

  async function handOver(
    person: User,
    provider: string,
    program: { readonly port: number; readonly challenge: string; readonly state: string },
  ): Promise<Answer> {
    const code = secret()
    const { id, name } = person.metadata
    const { challenge, port, state } = program
    await identity.putSignInCode(
      { hash: sha256(code), challenge, person: { id, name }, provider },
      codeSeconds,
    )
    return redirect(`http://127.0.0.1:${port}/?${new URLSearchParams({ code, state }).toString()}`)
  }

  return {
    async list() {
      const { items } = await store.read(server, tx => tx.list({ kind: 'IdentityProvider' }))
      const shown = ({ metadata: { name, displayName } }: Document) => ({
        name,
        displayName: displayName ?? null,
      })
      return { status: 200, body: { kind: 'SignInList', items: items.map(shown) } }
    },

    async start(name, { return: to, port, challenge, state: given }) {
      if ((port === undefined) !== (challenge === undefined))
        throw new Fault('invalid', 'A program gives its port and its challenge together.', {
          reason: 'sso_program',
        })
      const provider = await providerNamed(name)
      const begun = { state: secret(), nonce: secret(), verifier: secret() }
      const address = await told(name, () => providers.address(provider, begun, returnTo(name)))
      const next =
        port === undefined || challenge === undefined
          ? { to }
          : { program: { port, challenge, state: given } }
      const cookie = await states.seal({ provider: name, ...begun, ...next })
      return redirect(address, { 'set-cookie': cookie })
    },

    async finish(name, query, cookies, peer) {
      const begun = await states.open(cookies)
      if (!begun || begun.provider !== name)
        throw new Fault('denied', 'This sign-in was begun elsewhere or took too long. Begin again.', {
          reason: 'sso_lost',
        })
      const provider = await providerNamed(name)
      const returned = new URL(returnTo(name))
      for (const [key, value] of Object.entries(query))
        if (typeof value === 'string') returned.searchParams.append(key, value)
      const person = await told(name, async () =>
        admit(provider, await providers.finish(provider, begun, returned)),
      )
      if (begun.program) return handOver(person, name, begun.program)
      const { headers } = await sessions.open(person, { method: 'sso', provider: name, peer, cookie: true })
      return redirect(begun.to ?? '/', headers)
    },

    async exchange({ code, verifier }, peer) {
      const spent = new Fault('unauthenticated', 'This code was used before or has expired. Sign in again.', {
        reason: 'sso_code_invalid',
      })
      const taken = await identity.takeSignInCode(sha256(code))
      const given = createHash('sha256').update(verifier).digest()
      if (
        !taken ||
        !sameHash(Buffer.from(taken.challenge, 'base64url').toString('hex'), given.toString('hex'))
      )
        throw spent
      const person = await find(taken.person.name)
      if (!person || person.metadata.id !== taken.person.id || !isOn(person)) throw spent
      return sessions.open(person, { method: 'sso', provider: taken.provider, peer })
    },
  }

  async function told<T>(provider: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      observe({ type: 'sso_failed', provider, error })
      throw error
    }
  }
}

function redirect(location: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 303, headers: { 'cache-control': 'no-store', ...headers, location }, body: '' }
}
