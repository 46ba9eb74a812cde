// The first administrator: one link, used once, instead of a default password.
import { type DocumentOf, Fault, findKind, type user } from '@switchyard/kinds'
import type { Identity, IdentityStore, Peer, Store } from '@switchyard/runtime'
import { z } from 'zod'
import { base62 } from './base62.ts'
import { newDocument } from './document.ts'
import { readDraft } from './draft.ts'
import { invalid } from './invalid.ts'
import { type Random, sha256 } from './keys.ts'
import { type Passwords, passwordProblems } from './password.ts'
import type { Answer } from './route.ts'
import { cookieSchema, type Sessions } from './sessions.ts'

/** Set-up is the operator's act: the link is printed where only the operator sees it. */
const operator: Identity = { role: 'caller', principal: 'system:operator', scopes: ['*'] }

export const setupSchema = z.strictObject({
  token: z.string().min(1).max(128).describe('From the set-up link.'),
  email: z.email().max(254),
  name: z.string().max(128).optional().describe('How the person is called; any script.'),
  password: z.string().min(1).max(1024),
  cookie: cookieSchema,
})

export interface SetupOptions {
  readonly store: Store
  readonly identity: IdentityStore
  readonly passwords: Passwords
  readonly sessions: Sessions
  readonly now: () => number
  readonly uuid: () => string
  readonly random: Random
}

/** A token for `GET /setup?token=…`, good once and for a day. */
export async function mintSetupToken(
  { identity, now, random }: Pick<SetupOptions, 'identity' | 'now' | 'random'>,
  lifeSeconds = 86_400,
): Promise<string> {
  const token = base62(random(32), 43)
  await identity.putSetupLink(sha256(token), new Date(now() + lifeSeconds * 1000).toISOString())
  return token
}

/** Makes the User and its platform assignment of the role admin, and answers a session. */
export async function setUp(
  options: SetupOptions,
  input: z.output<typeof setupSchema>,
  peer: Peer,
): Promise<Answer> {
  const { store, identity, passwords, sessions, now, uuid } = options
  const email = input.email.toLowerCase()
  // Everything that a person can mend is said before the link is spent.
  const problems = passwordProblems(input.password, email, 'password')
  if (problems.length > 0) throw invalid(problems, 'weak_password')
  const hash = await passwords.hash(input.password)
  const taken = await store.read(operator, tx =>
    tx.list({
      kind: 'User',
      workspace: null,
      fields: [{ key: 'spec.email', operator: 'in', values: [email] }],
      limit: 1,
    }),
  )
  if (taken.items.length > 0)
    throw new Fault(
      'conflict',
      `There is already a user with the e-mail ${email}. Use another, or sign in.`,
      { reason: 'taken' },
    )
  if (!(await identity.takeSetupLink(sha256(input.token))))
    throw new Fault(
      'unauthenticated',
      'This set-up link was used before or has expired. Ask the operator for a new one.',
      {
        reason: 'setup_link_invalid',
      },
    )

  const at = new Date(now()).toISOString()
  const by = () => ({ principal: 'system:operator', id: uuid(), at })
  const written = await store.write(operator, async tx => {
    const name = await freeName(
      email,
      async wanted => !(await tx.get({ kind: 'User', workspace: null, name: wanted })),
      'admin',
    )
    const userKind = findKind('User')!
    const metadata = { name, ...(input.name ? { displayName: input.name } : {}) }
    const person = newDocument(
      userKind,
      readDraft(userKind, { metadata, spec: { email } }, { workspace: null }, undefined),
      by(),
    )
    await tx.insert(person, [])
    await tx.putSecret(person.metadata.id, { field: 'password', hash })
    const role = await tx.lock({ kind: 'Role', workspace: null, name: 'admin' }, 'share')
    if (!role) throw new Fault('internal', 'The role admin is missing. Restart the server, which makes it.')
    const assignmentKind = findKind('RoleAssignment')!
    const spec = { subject: { kind: 'User', name }, role: 'platform/admin' }
    const draft = readDraft(
      assignmentKind,
      { metadata: { name: `${name.slice(0, 57)}-admin` }, spec },
      { workspace: null },
      undefined,
    )
    await tx.insert(newDocument(assignmentKind, draft, by()), [
      { path: 'spec.role', id: role.metadata.id },
      { path: 'spec.subject', id: person.metadata.id },
    ])
    return person
  })
  // Why `as`: made by kind just above.
  return sessions.open(written.value as DocumentOf<typeof user>, {
    method: 'link',
    peer,
    cookie: input.cookie,
  })
}

/** A document name from the local part of an address: `Ann.Lee@x.org` is ann-lee, then ann-lee-2. */
export async function freeName(
  email: string,
  isFree: (name: string) => Promise<boolean>,
  otherwise = 'user',
): Promise<string> {
  const local = email.split('@')[0] ?? ''
  const slug =
    local
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 50) || otherwise
  const base = slug.replace(/-+$/, '')
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}-${number}`
    if (await isFree(name)) return name
  }
}
