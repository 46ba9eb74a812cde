// Things one does to a document that are no change of its spec: rows by kind and verb.
import { type apiKey, type DocumentOf, Fault, type Kind, type user } from '@switchyard/kinds'
import type { Key, PriceStore, Secrets, Store } from '@switchyard/runtime'
import { z } from 'zod'
import { absent, type Caller, identityOf, permits } from './authorize.ts'
import { etag, withPhase } from './document.ts'
import { mintKey, type Random } from './keys.ts'
import { type RequestKey, writeKeyed } from './once.ts'
import type { Patience } from './patience.ts'
import { published } from './pricing.ts'
import type { Answer } from './route.ts'
import { checkKeyGrant } from './rules.ts'
import { checkChangeable } from './standing.ts'

export interface ActionsOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly prices: PriceStore
  readonly patience: Pick<Patience, 'unlock'>
  readonly now: () => number
  readonly random: Random
}

export interface ActionAsk {
  readonly caller: Caller
  readonly key: Key
  readonly body: unknown
  readonly dryRun: boolean
  readonly once?: RequestKey | undefined
}

export interface ActionRow {
  readonly input: z.ZodType
  readonly doc: string
  readonly perform: (options: ActionsOptions, kind: Kind, ask: ActionAsk) => Promise<Answer>
}

const rotateInput = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(0)
      .describe('How long the old secret goes on working.'),
  })
  .prefault({})

const rotate: ActionRow = {
  input: rotateInput,
  doc: 'The document, and the new `secret`, shown this once.',
  async perform({ store, secrets, now, random }, kind, { caller, key, body, dryRun, once }) {
    const { overlapSeconds } = rotateInput.parse(body ?? {}) // the row has validated it
    const seen = await store.read(identityOf(caller), tx => tx.get(key))
    if (!seen || !permits(caller, kind, 'read', seen)) throw absent(kind.kind, key.name)
    checkKeyGrant(caller, seen as DocumentOf<typeof apiKey>) // by kind
    // Before the transaction, which must not wait for a second connection.
    const old = await secrets.secret(seen.metadata.id, 'key')
    const done = await writeKeyed(
      store,
      { caller, dryRun, once },
      async tx => {
        const stored = (await tx.lock(key, 'update')) as DocumentOf<typeof apiKey> | undefined // by kind
        if (!stored) throw absent(kind.kind, key.name)
        if (stored.metadata.resourceVersion !== seen.metadata.resourceVersion)
          throw new Fault('conflict', 'This key is being changed by someone else. Try again.', {
            reason: 'raced',
          })
        checkChangeable(stored)
        const { publicId } = stored.status
        if (publicId === undefined)
          throw new Fault('conflict', 'This key has no secret to rotate. Delete it and create it again.')
        const minted = mintKey(random, publicId)
        const at = new Date(now()).toISOString()
        const until = new Date(now() + overlapSeconds * 1000).toISOString()
        const previous = old && overlapSeconds > 0 ? { previous: { hash: old.hash, until } } : {}
        await tx.putSecret(stored.metadata.id, { field: 'key', hash: minted.hash, ...previous })
        const { previousUntil: _previousUntil, ...status } = stored.status
        const document = await tx.update(
          {
            ...stored,
            metadata: { ...stored.metadata, updateTimestamp: at, updatedBy: caller.principal },
            status: {
              ...status,
              last4: minted.last4,
              rotatedAt: at,
              ...(previous.previous ? { previousUntil: until } : {}),
            },
          },
          null,
        )
        return { document, secret: minted.secret }
      },
      ({ value: { document, secret }, documents }) => {
        const final = documents.get(document.metadata.id) ?? document
        return { status: 200, headers: { etag: etag(final) }, body: dryRun ? final : { ...final, secret } }
      },
    )
    return done.answer
  },
}

const publish: ActionRow = {
  input: z.strictObject({}).prefault({}),
  doc: 'The document; its status tells the version that holds.',
  async perform({ store, prices, now }, kind, { caller, key, dryRun, once }) {
    const done = await writeKeyed(
      store,
      { caller, dryRun, once },
      async tx => {
        const seen = await tx.get(key)
        if (!seen || !permits(caller, kind, 'read', seen)) throw absent(kind.kind, key.name)
        const stored = await tx.lock(key, 'update')
        if (!stored) throw absent(kind.kind, key.name)
        checkChangeable(stored)
        const document = withPhase(
          kind,
          await published(prices, { tx, caller, document: stored, now: now() }),
        )
        return tx.update(document, null)
      },
      ({ value, documents }) => {
        const final = documents.get(value.metadata.id) ?? value
        return { status: 200, headers: { etag: etag(final) }, body: final }
      },
    )
    return done.answer
  },
}

const unlock: ActionRow = {
  input: z.strictObject({}).prefault({}),
  doc: 'The document: the account may be tried at once.',
  async perform({ store, patience }, kind, { caller, key, dryRun }) {
    const found = await store.read(identityOf(caller), tx => tx.get(key))
    if (!found || !permits(caller, kind, 'read', found)) throw absent(kind.kind, key.name)
    const { spec, metadata } = found as DocumentOf<typeof user> // by kind
    if (!dryRun) await patience.unlock(spec.email, metadata)
    return { status: 200, headers: { etag: etag(found) }, body: found }
  },
}

/** Every action that a kind declares has its row here; a missing one stops the start. */
const rows: Readonly<Record<string, Readonly<Record<string, ActionRow>>>> = {
  ApiKey: { rotate },
  PriceBook: { publish },
  User: { unlock },
}

export function actionRow({ kind }: Kind, verb: string): ActionRow {
  const row = rows[kind]?.[verb]
  if (!row) throw new TypeError(`${kind} declares the action ${verb}, which has no row in actions.ts.`)
  return row
}
