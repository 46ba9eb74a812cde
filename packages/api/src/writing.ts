// Writing documents: create, replace, patch and status, each in one transaction that checks everything it rests on.
import { type Document, Fault, findKind, type Kind } from '@switchyard/kinds'
import {
  type Grant,
  type IdentityStore,
  type KeptAnswer,
  type Key,
  type PriceStore,
  Sealed,
  type Store,
  type Vault,
  type WriteTransaction,
  type Written,
} from '@switchyard/runtime'
import {
  absent,
  authorize,
  type Caller,
  identityOf,
  missing,
  permits,
  rightsPlace,
  writtenFrom,
} from './authorize.ts'
import { changedDocument, checkImmutable, etag, newDocument, withPhase } from './document.ts'
import { type Draft, readDraft, readPatch } from './draft.ts'
import type { Fingerprint } from './fingerprints.ts'
import { invalid, issueDetails } from './invalid.ts'
import { type MintedKey, mintKey, type Random } from './keys.ts'
import { checkIfMatch, ifMatchOf } from './listing.ts'
import { canonical, isObject } from './merge-patch.ts'
import { type RequestKey, writeKeyed } from './once.ts'
import type { Passwords } from './password.ts'
import { isPublishedOnWrite, published } from './pricing.ts'
import {
  type Acquaintances,
  acquaint,
  pointersOf,
  type Resolved,
  resolveReferences,
  samePointers,
} from './references.ts'
import type { Answer } from './route.ts'
import { checkRules } from './rules.ts'
import { noVault, sealedStatus, withSealedStatus } from './sealed.ts'
import { checkChangeable, checkNameIsFree, checkScope } from './standing.ts'

export interface WritingOptions {
  readonly store: Store
  readonly identity: IdentityStore
  readonly passwords: Passwords
  readonly now: () => number
  readonly uuid: () => string
  readonly random: Random
  /** Keeps what must be given back in clear; without it such secrets are `unsupported`. */
  readonly vault: Vault | undefined
  /** Of what it keeps. */
  readonly fingerprint: Fingerprint | undefined
  readonly prices: PriceStore
}

export interface WriteAsk {
  readonly caller: Caller
  readonly body: unknown
  readonly dryRun: boolean
  readonly ifMatch: string | undefined
  readonly once?: RequestKey | undefined
}

/** A change of a document that the store carries out, and what is shown once. */
export interface Outcome {
  readonly document: Document
  readonly created: boolean
  /** The key itself, of a new ApiKey. */
  readonly secret?: string
  /** Sessions of the person that the document is end with this write. */
  readonly signsOut?: boolean
}

/** Ids of documents that are written in the same change, and do not yet stand as they will. */
export type Unsettled = ReadonlySet<string>
const settled: Unsettled = new Set()

export interface Writer {
  /** Adds a document within a transaction of the caller's own. */
  insert(
    tx: WriteTransaction,
    kind: Kind,
    caller: Caller,
    draft: Draft,
    known: Acquaintances,
    dryRun: boolean,
    unsettled?: Unsettled,
  ): Promise<Outcome>
  /** Likewise brings one that stands, and is locked, to a draft. */
  change(
    tx: WriteTransaction,
    kind: Kind,
    caller: Caller,
    stored: Document,
    draft: Draft,
    known: Acquaintances,
    held: readonly Grant[],
    unsettled?: Unsettled,
  ): Promise<Outcome>
  create(kind: Kind, workspace: string | null, ask: WriteAsk): Promise<Answer>
  replace(kind: Kind, key: Key, ask: WriteAsk): Promise<Answer>
  patch(kind: Kind, key: Key, ask: WriteAsk): Promise<Answer>
  status(kind: Kind, key: Key, ask: WriteAsk): Promise<Answer>
}

export function createWriter(options: WritingOptions): Writer {
  const { store, identity, passwords, now, uuid, random, vault, fingerprint, prices } = options
  const at = () => new Date(now()).toISOString()

  async function write(
    ask: Pick<WriteAsk, 'caller' | 'dryRun' | 'once'>,
    work: (tx: WriteTransaction) => Promise<Outcome>,
  ): Promise<Answer> {
    const done = await writeKeyed(store, ask, work, answer)
    const { document, signsOut } = done.written?.value ?? {}
    // Before the answer: who is told that the password is another one may rely on it. Killed in between, the
    // caller has no answer, and the same write again ends them.
    if (document && signsOut && !ask.dryRun) await identity.endSessionsOf(document.metadata.name)
    return done.answer
  }

  async function insert(
    tx: WriteTransaction,
    kind: Kind,
    caller: Caller,
    draft: Draft,
    known: Acquaintances,
    dryRun: boolean,
    unsettled = settled,
  ): Promise<Outcome> {
    const workspace = draft.metadata.workspace ?? null
    await checkScope(tx, kind, workspace)
    const key = kind.kind === 'ApiKey' ? mintKey(random) : undefined
    const document = newDocument(
      kind,
      draft,
      { principal: caller.principal, id: uuid(), at: at() },
      {
        ...sealedStatus(kind, {}, draft, at(), fingerprint),
        ...(key ? { publicId: key.publicId, last4: key.last4 } : {}),
      },
    )
    await checkNameIsFree(tx, document)
    const pointers = pointersOf(kind, document)
    const resolved = await resolveReferences(tx, caller, document, pointers, [], known)
    await checkRules({
      tx,
      caller,
      document,
      stored: undefined,
      secrets: draft.secrets,
      targets: resolved.targets,
      held: [],
      unsettled,
      now: now(),
    })
    const stored = await tx.insert(await inForce(tx, kind, caller, document), resolved.references)
    await keepSecrets(tx, kind, stored, draft, key)
    // A dry run shows no secret: the key of the real run will be another one.
    return {
      document: stored,
      created: true,
      signsOut: kind.kind === 'User',
      ...(key && !dryRun ? { secret: key.secret } : {}),
    }
  }

  /** What is published by being written says so. */
  async function inForce(tx: WriteTransaction, kind: Kind, caller: Caller, document: Document) {
    if (!isPublishedOnWrite(document)) return document
    return withPhase(kind, await published(prices, { tx, caller, document, now: now() }))
  }

  /** What the person holds whose document is written. */
  async function heldBy({ kind }: Kind, { name }: Key): Promise<readonly Grant[]> {
    return kind === 'User' ? store.grants(`user:${name}`) : []
  }

  async function keepSecrets(
    tx: WriteTransaction,
    { kind, secretForm }: Kind,
    { metadata: { id } }: Document,
    { secrets }: Draft,
    key?: MintedKey,
  ) {
    if (key) await tx.putSecret(id, { field: 'key', hash: key.hash })
    for (const [field, value] of secrets)
      if (value === null) await tx.dropSecret(id, field)
      else if (secretForm === 'hashed') await tx.putSecret(id, { field, hash: await passwords.hash(value) })
      else if (vault) await vault.put(tx, { kind, id, field }, new Sealed(value))
      else throw noVault()
  }

  /** The stored document, locked, after its caller was found to be one who may change it. */
  async function take(tx: WriteTransaction, kind: Kind, key: Key, caller: Caller): Promise<Document> {
    const seen = await tx.get(key)
    if (!seen || !permits(caller, kind, 'read', seen)) throw absent(kind.kind, key.name)
    if (!permits(caller, kind, 'update', seen))
      throw missing(caller, `${kind.noun}:update`, rightsPlace(seen))
    const stored = await tx.lock(key, 'update')
    if (!stored) throw absent(kind.kind, key.name)
    return stored
  }

  async function change(
    tx: WriteTransaction,
    kind: Kind,
    caller: Caller,
    stored: Document,
    draft: Draft,
    known: Acquaintances,
    held: readonly Grant[],
    unsettled = settled,
  ): Promise<Outcome> {
    checkImmutable(kind, stored, draft)
    const changed = changedDocument(kind, stored, draft, { principal: caller.principal, at: at() })
    const document = changed && withSealedStatus(kind, changed, draft, at(), fingerprint)
    const signsOut = endsSessions(kind, draft)
    if (!document) return { document: stored, created: false, signsOut }
    checkChangeable(stored)
    const before = pointersOf(kind, stored)
    const pointers = pointersOf(kind, document)
    const moved = !samePointers(before, pointers)
    const specChanged = document.metadata.generation !== stored.metadata.generation
    const resolved: Resolved =
      moved || specChanged
        ? await resolveReferences(tx, caller, document, pointers, before, known)
        : { references: [], targets: new Map() }
    await checkRules({
      tx,
      caller,
      document,
      stored,
      secrets: draft.secrets,
      targets: resolved.targets,
      held,
      unsettled,
      now: now(),
    })
    await keepSecrets(tx, kind, stored, draft)
    const final = await inForce(tx, kind, caller, document)
    const updated = await tx.update(final, moved ? resolved.references : null)
    return { document: updated, created: false, signsOut }
  }

  return {
    insert,
    change,

    async create(kind, workspace, ask) {
      const draft = readDraft(kind, ask.body, { workspace }, undefined)
      const known = await acquaint(store, kind, workspace, draft.spec)
      return write(ask, tx => insert(tx, kind, ask.caller, draft, known, ask.dryRun))
    },

    async replace(kind, key, ask) {
      const wanted = ifMatchOf(ask.ifMatch)
      if (wanted === undefined)
        throw new Fault(
          'invalid',
          'Send If-Match with the ETag of your last read, or * to create or replace.',
          {
            reason: 'if_match_required',
            details: [{ path: 'If-Match', rule: 'required', message: 'is required for PUT' }],
          },
        )
      const known = await acquaint(store, kind, key.workspace, isObject(ask.body) ? ask.body.spec : undefined)
      const held = await heldBy(kind, key)
      return write(ask, async tx => {
        if (wanted === '*' && !(await tx.get(key))) {
          authorize(ask.caller, `${kind.noun}:create`, writtenFrom(kind, key.workspace))
          return insert(tx, kind, ask.caller, readDraft(kind, ask.body, key, undefined), known, ask.dryRun)
        }
        const stored = await take(tx, kind, key, ask.caller)
        checkIfMatch(wanted, stored)
        return change(tx, kind, ask.caller, stored, readDraft(kind, ask.body, key, stored), known, held)
      })
    },

    async patch(kind, key, ask) {
      const wanted = ifMatchOf(ask.ifMatch)
      const seen = await store.read(identityOf(ask.caller), tx => tx.get(key))
      const known = await acquaint(store, kind, key.workspace, seen?.spec)
      const held = await heldBy(kind, key)
      return write(ask, async tx => {
        const stored = await take(tx, kind, key, ask.caller)
        checkIfMatch(wanted, stored)
        return change(tx, kind, ask.caller, stored, readPatch(kind, ask.body, stored), known, held)
      })
    },

    async status(kind, key, ask) {
      const wanted = ifMatchOf(ask.ifMatch)
      if (wanted === undefined || wanted === '*')
        throw new Fault('invalid', 'Send If-Match with the ETag that this status was computed from.', {
          reason: 'if_match_required',
          details: [{ path: 'If-Match', rule: 'required', message: 'is required for a status' }],
        })
      const status = kind.status.safeParse(isObject(ask.body) ? ask.body.status : undefined)
      if (!status.success) throw invalid(issueDetails(status.error.issues, 'status'))
      // Only the server's own role may write a status; the route has asked for system:admin.
      const written = await store.write(
        { role: 'control' },
        async (tx): Promise<Outcome> => {
          const stored = await tx.lock(key, 'update')
          if (!stored) throw absent(kind.kind, key.name)
          checkIfMatch(wanted, stored)
          const document = withPhase(kind, { ...stored, status: status.data })
          if (canonical(document.status) === canonical(stored.status))
            return { document: stored, created: false }
          return { document: await tx.update(document, null), created: false }
        },
        { dryRun: ask.dryRun },
      )
      return answer(written)
    },
  }
}

/** A new password or a disabled account; a new account too, whose name may have been another's. */
function endsSessions({ kind }: Kind, { spec, secrets }: Draft): boolean {
  return kind === 'User' && (secrets.has('password') || spec.disabled === true)
}

/** The answer to a write, with the version that its commit gave. */
function answer({ value, documents }: Written<Outcome>): KeptAnswer {
  const document = documents.get(value.document.metadata.id) ?? value.document
  const { secret } = value
  return {
    status: value.created ? 201 : 200,
    headers: { etag: etag(document), ...(value.created ? { location: addressOf(document) } : {}) },
    body: secret === undefined ? document : { ...document, secret },
  }
}

/** Path of a document in this API. */
function addressOf({ kind, metadata }: Pick<Document, 'kind' | 'metadata'>): string {
  const plural = findKind(kind)?.plural ?? kind
  const collection = metadata.workspace === null ? plural : `workspaces/${metadata.workspace}/${plural}`
  return `/api/v1/${collection}/${metadata.name}`
}
