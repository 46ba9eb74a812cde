// Fingerprints of secrets: enough to tell whether two are the same, and nothing to find one by, because they are made with
// a key of this installation.
import { createHmac, randomBytes } from 'node:crypto'
import { type Document, findKind } from '@switchyard/kinds'
import { Sealed, type Store, type Vault } from '@switchyard/runtime'
import { shownOf } from './sealed.ts'

/** 16 hex digits. */
export type Fingerprint = (value: string) => string

const keyName = 'fingerprints'
/** As they were: 8 hex digits of the plain SHA-256, which a guess could be held against. */
const plain = /^[0-9a-f]{8}$/

export async function fingerprints(vault: Pick<Vault, 'keep'>): Promise<Fingerprint> {
  const key = await vault.keep(keyName, new Sealed(randomBytes(32).toString('base64')))
  return value =>
    createHmac('sha256', Buffer.from(key.reveal(), 'base64')).update(value).digest('hex').slice(0, 16)
}

/** Makes those anew that were plain hashes; answers how many that were. */
export async function renewFingerprints(store: Store, vault: Pick<Vault, 'read' | 'keep'>): Promise<number> {
  const as = { role: 'control' } as const
  const kind = findKind('Credential')
  const { items } = await store.read(as, tx => tx.list({ kind: 'Credential' }))
  const old = items.filter(isPlain)
  if (!kind || old.length === 0) return 0
  const print = await fingerprints(vault)
  const { secrets } = await vault.read('Credential', 'fingerprints')
  let renewed = 0
  for (const { metadata } of old) {
    const fields = secrets.get(metadata.id)?.reveal()
    const shown = fields && shownOf(new Map(Object.entries(fields)))
    if (shown === undefined) continue
    const { name, workspace } = metadata
    await store.write(as, async tx => {
      const document = await tx.lock({ kind: 'Credential', workspace, name }, 'update')
      if (document?.metadata.id !== metadata.id || !isPlain(document)) return
      await tx.update(
        { ...document, status: { ...(document.status as object), fingerprint: print(shown) } },
        null,
      )
      renewed += 1
    })
  }
  return renewed
}

function isPlain({ status }: Document): boolean {
  const { fingerprint } = status as { readonly fingerprint?: unknown } // the kind's schema says what it holds
  return typeof fingerprint === 'string' && plain.test(fingerprint)
}
