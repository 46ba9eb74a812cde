// Envelope encryption: a value under a data key of its own, the data key under a master key. AES-256-GCM, with
// random nonces; each data key encrypts one value once, so that no nonce of it ever comes twice.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { Fault } from '@switchyard/kinds'
import { type RootKey, Sealed } from '@switchyard/runtime'

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/** Where a value belongs: it opens nowhere else. */
export interface Place {
  /** Of the document. */
  readonly id: string
  readonly field: string
  /** What the document is, and how often the field was written; absent for what is bound to neither. */
  readonly writing?: { readonly kind: string; readonly version: number }
}

export interface Envelope {
  readonly keyId: string
  /** The data key under the master key: nonce, ciphertext, tag. */
  readonly wrapped: Buffer
  /** The value under the data key: nonce, ciphertext, tag. */
  readonly sealed: Buffer
}

export interface MasterKey {
  /** 16 hex digits that its bytes give. */
  readonly id: string
  readonly key: KeyObject
}

/** The first one seals; all of them open. */
export interface MasterKeys extends Openers {
  readonly first: MasterKey
}

export interface Openers {
  readonly byId: ReadonlyMap<string, MasterKey>
}

export type RandomBytes = (size: number) => Uint8Array

/** `keys` are 32 bytes each, the one that seals first. */
export function masterKeys(keys: readonly Uint8Array[]): MasterKeys {
  const known = keys.map(masterKey)
  const [first] = known
  if (!first) throw new TypeError('A vault needs a master key.')
  return { first, byId: new Map(known.map(key => [key.id, key])) }
}

export function masterKey(bytes: Uint8Array): MasterKey {
  if (bytes.length !== keyBytes) throw new TypeError(`A master key is ${keyBytes} bytes long.`)
  const id = createHash('sha256').update('switchyard master key\0').update(bytes).digest('hex').slice(0, 16)
  return { id, key: createSecretKey(bytes) }
}

/** What wraps master keys in this process, of 32 bytes that are at hand. */
export function rootKey(bytes: Uint8Array, random: RandomBytes): RootKey {
  const master = masterKey(bytes)
  const bound = (id: string) => Buffer.from(['master key', id, master.id].join('\0'))
  return {
    id: master.id,
    itself: new Sealed(bytes),
    async wrap(key, id) {
      const { nonce, add, end } = encrypting(master.key, random, bound(id))
      return Buffer.concat([nonce, add(Buffer.from(key.reveal())), end()])
    },
    unwrap: async (wrapped, id) => new Sealed(decrypt(master.key, bound(id), Buffer.from(wrapped))),
  }
}

export function seal(keys: MasterKeys, random: RandomBytes, place: Place, text: string): Envelope {
  const { keyId, wrapped, key } = newDataKey(keys, random, place)
  const sealing = encrypting(key, random, bound('value', place))
  return { keyId, wrapped, sealed: Buffer.concat([sealing.nonce, sealing.add(text), sealing.end()]) }
}

/** `unavailable` (`secret_key_missing`) without its master key, `internal` (`secret_damaged`) when it was altered. */
export function open(keys: Openers, place: Place, envelope: Envelope): string {
  return decrypt(dataKeyOf(keys, place, envelope), bound('value', place), envelope.sealed).toString()
}

/** For one value: a key is never used twice. */
export function newDataKey(
  { first }: MasterKeys,
  random: RandomBytes,
  place: Place,
): Pick<Envelope, 'keyId' | 'wrapped'> & { readonly key: KeyObject } {
  const bytes = Buffer.from(random(keyBytes))
  const { nonce, add, end } = encrypting(first.key, random, bound('key', place, first.id))
  const wrapped = Buffer.concat([nonce, add(bytes), end()])
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return { keyId: first.id, wrapped, key }
}

/** Throws as `open` does. */
export function dataKeyOf(
  keys: Openers,
  place: Place,
  envelope: Pick<Envelope, 'keyId' | 'wrapped'>,
): KeyObject {
  const bytes = unwrap(keys, place, envelope)
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/** The same value with its data key under the first master key. */
export function rewrapped(
  keys: MasterKeys,
  random: RandomBytes,
  place: Place,
  envelope: Pick<Envelope, 'keyId' | 'wrapped'>,
): Pick<Envelope, 'keyId' | 'wrapped'> {
  const { id, key } = keys.first
  const dataKey = unwrap(keys, place, envelope)
  const { nonce, add, end } = encrypting(key, random, bound('key', place, id))
  const wrapped = Buffer.concat([nonce, add(dataKey), end()])
  dataKey.fill(0)
  return { keyId: id, wrapped }
}

/** HKDF-SHA-256 (RFC 5869) of each master key: whoever has a derived one learns nothing of another. */
export function derived({ byId }: Openers, purpose: string): readonly Sealed<Uint8Array>[] {
  const info = `switchyard derived key\0${purpose}`
  return [...byId.values()].map(
    ({ key }) => new Sealed(new Uint8Array(hkdfSync('sha256', key, '', info, keyBytes))),
  )
}

function unwrap(
  keys: Openers,
  place: Place,
  { keyId, wrapped }: Pick<Envelope, 'keyId' | 'wrapped'>,
): Buffer {
  const master = keys.byId.get(keyId)
  if (!master)
    throw new Fault('unavailable', `A secret is sealed under the key ${keyId}, which is not known here.`, {
      reason: 'secret_key_missing',
    })
  return decrypt(master.key, bound('key', place, keyId), wrapped)
}

/** What a ciphertext is bound to; ids, kinds and field names hold no NUL. */
function bound(what: 'value' | 'key', { id, field, writing }: Place, keyId = ''): Buffer {
  const more = writing ? [writing.kind, String(writing.version)] : []
  return Buffer.from([what, id, field, keyId, ...more].join('\0'))
}

/** In pieces: first the nonce, then what each `add` gives, then the end with the tag. `aad` is bound, not sealed. */
export function encrypting(
  key: KeyObject,
  random: RandomBytes,
  aad: Buffer,
): { readonly nonce: Buffer; add(clear: Buffer | string): Buffer; end(): Buffer } {
  const nonce = Buffer.from(random(nonceBytes))
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(aad)
  return {
    nonce,
    add: clear => (typeof clear === 'string' ? cipher.update(clear, 'utf8') : cipher.update(clear)),
    end: () => Buffer.concat([cipher.final(), cipher.getAuthTag()]),
  }
}

/** What `encrypting` made, whole. `internal` (`secret_damaged`) when a bit of it or of `aad` is another. */
export function decrypt(key: KeyObject, aad: Buffer, bytes: Buffer): Buffer {
  const nonce = bytes.subarray(0, nonceBytes)
  const body = bytes.subarray(nonceBytes, -tagBytes)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
    decipher.setAAD(aad).setAuthTag(bytes.subarray(-tagBytes))
    return Buffer.concat([decipher.update(body), decipher.final()])
  } catch (cause) {
    throw new Fault('internal', 'A sealed secret was altered or moved: write it again.', {
      reason: 'secret_damaged',
      cause,
    })
  }
}
