// One file's documents as one change: what it names is made or changed, what it no longer names goes, in a single
// transaction. Only documents that it made itself are its to touch; they carry a label that nobody else can write.
import { type Document, Fault, findKind, type Kind, kinds } from '@switchyard/kinds'
import type { IdentityStore, Key, Secrets, Store, Vault, WriteTransaction } from '@switchyard/runtime'
import { operatorCaller } from './authenticate.ts'
import { identityOf } from './authorize.ts'
import { type Draft, readDraft } from './draft.ts'
import type { Passwords } from './password.ts'
import { keyText, nameOf, pointersOf } from './references.ts'
import { remove } from './removal.ts'
import type { Writer } from './writing.ts'

const managedLabel = 'switchyard.dev/managed-by'
const managedByConfig = 'config'

/** A document as the file says it, with its secrets in clear; what is referred to comes before what refers to it. */
export interface Wanted {
  readonly kind: string
  /** null is the platform. */
  readonly workspace: string | null
  readonly name: string
  readonly manifest: unknown
}

/** `leaving`: it is being deleted, and goes when what it holds outside is gone. */
export type Outcome = 'created' | 'configured' | 'unchanged' | 'deleted' | 'leaving'

export interface Configured extends Key {
  readonly outcome: Outcome
}

export interface Objection {
  /** Place in what was given; undefined for a document that was to go. */
  readonly index: number | undefined
  readonly document: Key
  readonly fault: Fault
}

/** With objections nothing was written, and `documents` is empty. `standing` is how many the file had made before. */
export interface Configuration {
  readonly documents: readonly Configured[]
  readonly objections: readonly Objection[]
  readonly standing: number
}

export interface ConfigureOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly identity: IdentityStore
  readonly passwords: Passwords
  readonly vault: Vault | undefined
  readonly writer: Pick<Writer, 'insert' | 'change'>
  readonly now: () => number
}

export type Configure = (
  wanted: readonly Wanted[],
  options?: { readonly dryRun?: boolean },
) => Promise<Configuration>

/** Ends the transaction with what it found. */
class Objected extends Error {
  readonly objections: readonly Objection[]
  constructor(objections: readonly Objection[]) {
    super('The change was refused.')
    this.objections = objections
  }
}

const isOurs = ({ metadata }: Document) => metadata.labels[managedLabel] === managedByConfig
const keyOf = ({ kind, metadata: { workspace, name } }: Document): Key => ({ kind, workspace, name })
const nothingKnown = new Map<string, Document>()

export function createConfigure(options: ConfigureOptions): Configure {
  const { store, identity, writer, now } = options

  /** Secrets that are kept already are taken out of the draft: writing them again would change the document. */
  async function withNewSecrets(draft: Draft, kind: Kind, stored: Document, kept: Kept): Promise<Draft> {
    const fresh = new Map<string, string | null>()
    for (const [field, value] of draft.secrets)
      if (!(await kept(kind, stored.metadata.id, field, value))) fresh.set(field, value)
    return { ...draft, secrets: fresh }
  }

  async function put(
    tx: WriteTransaction,
    { kind: name, workspace, name: called, manifest }: Wanted,
    kept: Kept,
    unsettled: ReadonlySet<string>,
    dryRun: boolean,
  ): Promise<{ readonly document: Document; readonly outcome: Outcome; readonly signsOut: boolean }> {
    const kind = findKind(name)
    if (!kind || kind.system)
      throw new Fault('invalid', `A file makes no ${name}: name a kind that people write.`)
    const key = { kind: kind.kind, workspace, name: called }
    const stored = await tx.lock(key, 'update')
    if (stored && !isOurs(stored)) throw anothers(key)
    const labels = { [managedLabel]: managedByConfig }
    // The label is read as if it had stood there: only the server writes it.
    const before = stored ?? ({ metadata: { labels, annotations: {} } } as unknown as Document)
    const draft = readDraft(kind, manifest, key, before)
    if (!stored) {
      const made = await writer.insert(tx, kind, operatorCaller, draft, nothingKnown, dryRun, unsettled)
      return { document: made.document, outcome: 'created', signsOut: made.signsOut ?? false }
    }
    const fresh = await withNewSecrets(draft, kind, stored, kept)
    const held = kind.kind === 'User' ? await store.grants(`user:${called}`) : []
    const made = await writer.change(tx, kind, operatorCaller, stored, fresh, nothingKnown, held, unsettled)
    const outcome = made.document === stored ? 'unchanged' : 'configured'
    return { document: made.document, outcome, signsOut: made.signsOut ?? false }
  }

  return async (wanted, { dryRun = false } = {}) => {
    const kept = await keptSecrets(options)
    const names = new Set(wanted.map(keyText))
    const signedOut: string[] = []
    let standing = 0
    // What was written when the database itself refused: of a quota, which is asked at the end, the last that could.
    let blamed: Pick<Objection, 'index' | 'document'> | undefined
    const blame = (document: Document) => {
      blamed = { index: undefined, document: keyOf(document) }
    }
    const work = async (tx: WriteTransaction): Promise<readonly Configured[]> => {
      const ours = await listOurs(tx)
      standing = ours.length
      const unsettled = new Set(ours.map(({ metadata }) => metadata.id))
      const objections: Objection[] = []
      const done: Configured[] = []
      // What refers to others goes before them.
      const going = leavingOrder(ours.filter(document => !names.has(keyText(keyOf(document)))))
      const left = await removeAll(tx, going, now(), done, blame)
      const failed = new Set<string>()
      for (const [index, one] of wanted.entries()) {
        if (rests(one, failed)) {
          failed.add(keyText(one))
          continue
        }
        try {
          blamed = { index, document: one }
          const { document, outcome, signsOut } = await put(tx, one, kept, unsettled, dryRun)
          done.push({ ...keyOf(document), outcome })
          if (signsOut && outcome !== 'unchanged') signedOut.push(one.name)
        } catch (error) {
          if (!(error instanceof Fault)) {
            if (objections.length > 0) throw new Objected(objections) // the transaction is spent
            throw error
          }
          failed.add(keyText(one))
          objections.push({ index, document: one, fault: error })
        }
      }
      if (objections.length > 0) throw new Objected(objections)
      // What was changed may have let go of them.
      const still = await removeAll(
        tx,
        left.map(({ document }) => document),
        now(),
        done,
        blame,
      )
      const waits = done.some(({ outcome }) => outcome === 'leaving')
      for (const { document, fault } of still)
        if (waits && fault.reason === 'in_use') done.push({ ...keyOf(document), outcome: 'leaving' })
        else objections.push({ index: undefined, document: keyOf(document), fault })
      if (objections.length > 0) throw new Objected(objections)
      return done
    }
    try {
      const { value } = await store.write(identityOf(operatorCaller), work, { dryRun })
      const gone = value.filter(({ kind, outcome }) => kind === 'User' && outcome === 'deleted')
      if (!dryRun)
        for (const name of [...signedOut, ...gone.map(user => user.name)]) await identity.endSessionsOf(name)
      return { documents: value, objections: [], standing }
    } catch (error) {
      if (error instanceof Objected) return { documents: [], objections: error.objections, standing }
      if (blamed && error instanceof Fault && refusedAtTheEnd.has(error.reason)) {
        const asks = wanted.findLastIndex(({ kind }) => kind === 'Endpoint')
        const endpoint = error.code === 'exhausted' ? wanted[asks] : undefined
        const { index, document } = endpoint ? { index: asks, document: endpoint } : blamed
        return { documents: [], objections: [{ index, document, fault: error }], standing }
      }
      throw error
    }
  }
}

/** Reasons of the database's own, which spend the transaction. */
const refusedAtTheEnd: ReadonlySet<string> = new Set(['last_admin', 'quota_exceeded'])

type Kept = (kind: Kind, id: string, field: string, value: string | null) => Promise<boolean>

async function keptSecrets({ secrets, vault, passwords }: ConfigureOptions): Promise<Kept> {
  const sealed = (await vault?.read('Credential', 'configuration file'))?.secrets
  return async ({ secretForm }, id, field, value) => {
    if (secretForm === 'sealed') return (sealed?.get(id)?.reveal()[field] ?? null) === value
    const known = await secrets.secret(id, field)
    return value === null ? !known : known !== undefined && (await passwords.verify(known.hash, value))
  }
}

const ourLabel = [{ key: managedLabel, operator: 'in', values: [managedByConfig] }] as const

async function listOurs(tx: WriteTransaction): Promise<readonly Document[]> {
  const all: Document[] = []
  for (const { kind, system } of kinds)
    if (!system) all.push(...(await tx.list({ kind, labels: ourLabel })).items)
  return all
}

/** Whether something that it refers to was refused: then its own refusal would say nothing new. */
function rests({ kind, workspace, manifest }: Wanted, failed: ReadonlySet<string>): boolean {
  const found = findKind(kind)
  if (!found || failed.size === 0 || typeof manifest !== 'object' || manifest === null) return false
  const spec = 'spec' in manifest ? manifest.spec : undefined
  const home = { kind: 'Workspace', workspace: null, name: workspace ?? '' }
  const targets = pointersOf(found, { metadata: { workspace, project: null }, spec }).map(
    ({ target }) => target,
  )
  return [home, ...targets].some(target => failed.has(keyText(target)))
}

/** A document before those that it refers to. */
function leavingOrder(documents: readonly Document[]): readonly Document[] {
  const left = new Map(documents.map(document => [keyText(keyOf(document)), document]))
  const ordered: Document[] = []
  const visit = (document: Document) => {
    const key = keyText(keyOf(document))
    if (!left.delete(key)) return
    const kind = findKind(document.kind)
    const pointers = kind ? pointersOf(kind, document).map(({ target }) => target) : []
    const home = { kind: 'Workspace', workspace: null, name: document.metadata.workspace ?? '' }
    for (const target of [...pointers, home]) {
      const next = left.get(keyText(target))
      if (next) visit(next)
    }
    ordered.push(document)
  }
  for (const document of documents) visit(document)
  return ordered.reverse()
}

/** Removes what can go; answers what could not, and why. */
async function removeAll(
  tx: WriteTransaction,
  documents: readonly Document[],
  now: number,
  done: Configured[],
  begin: (document: Document) => void,
): Promise<readonly { readonly document: Document; readonly fault: Fault }[]> {
  const left: { readonly document: Document; readonly fault: Fault }[] = []
  for (const document of documents)
    try {
      begin(document)
      const standing = await tx.get(keyOf(document))
      if (!standing) continue // it went with one before it
      const { gone } = await remove(tx, { caller: operatorCaller, force: false }, standing, undefined, now)
      done.push({ ...keyOf(document), outcome: gone ? 'deleted' : 'leaving' })
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault
      left.push({ document, fault })
    }
  return left
}

function anothers(key: Key): Fault {
  return new Fault(
    'conflict',
    `There is a ${key.kind} ${nameOf(key)} already that was made elsewhere: take it out of the file, or delete it so that the file may make it.`,
    { reason: 'taken' },
  )
}
