// Checkpoints as signed notes: C2SP signed-note and tlog-checkpoint, with Ed25519.
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { Fault } from '@switchyard/kinds'
import { hashBytes } from './hash.ts'

const ed25519 = 1
const idBytes = 4
const keyBytes = 32
/** DER of an Ed25519 key up to its 32 bytes (RFC 8410). */
const privateDer = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicDer = Buffer.from('302a300506032b6570032100', 'hex')

export interface Verifier {
  /** Also the log's origin. */
  readonly name: string
  /** `name+hash+key`, as it is handed out. */
  readonly text: string
  verifies(text: string, signature: Uint8Array): boolean
  readonly id: Uint8Array
}

export interface Signer extends Verifier {
  sign(text: string): Uint8Array
}

export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
}

/** First 4 bytes of the SHA-256 of name, newline, algorithm and public key. */
function keyId(name: string, key: Uint8Array): Uint8Array {
  return hash(
    'sha256',
    Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ed25519), key]),
    'buffer',
  ).subarray(0, idBytes)
}

const wrong = (what: string) =>
  new Fault('invalid', `This is no ${what}.`, { reason: `bad_${what.replaceAll(' ', '_')}` })

/** Name, id and the bytes of the key behind its algorithm. */
function readKey(
  text: string,
  what: string,
): { readonly name: string; readonly id: string; readonly key: Buffer } {
  const [, name = '', id = '', encoded = ''] =
    /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text) ?? []
  const bytes = Buffer.from(encoded, 'base64')
  const formed = bytes.length === 1 + keyBytes && bytes.toString('base64') === encoded
  if (name === '' || bytes[0] !== ed25519 || !formed) throw wrong(what)
  return { name, id, key: bytes.subarray(1) }
}

function verifierOf(name: string, publicKey: KeyObject): Verifier {
  const key = publicKey.export({ type: 'spki', format: 'der' }).subarray(publicDer.length)
  const id = keyId(name, key)
  const encoded = Buffer.concat([Buffer.of(ed25519), key]).toString('base64')
  return {
    name,
    id,
    text: `${name}+${Buffer.from(id).toString('hex')}+${encoded}`,
    verifies: (text, signature) => verify(null, Buffer.from(text), publicKey, signature),
  }
}

/** `invalid` (`bad_verifier_key`) when it is no `name+hash+key` of Ed25519. */
export function readVerifier(text: string): Verifier {
  const { name, id, key } = readKey(text.trim(), 'verifier key')
  const publicKey = createPublicKey({ key: Buffer.concat([publicDer, key]), format: 'der', type: 'spki' })
  const verifier = verifierOf(name, publicKey)
  if (Buffer.from(verifier.id).toString('hex') !== id) throw wrong('verifier key')
  return verifier
}

/** `PRIVATE+KEY+name+hash+key`, as Go's note package writes it. */
export function readSigner(text: string): Signer {
  const trimmed = text.trim()
  if (!trimmed.startsWith('PRIVATE+KEY+')) throw wrong('signer key')
  const { name, id, key } = readKey(trimmed.slice('PRIVATE+KEY+'.length), 'signer key')
  const privateKey = createPrivateKey({
    key: Buffer.concat([privateDer, key]),
    format: 'der',
    type: 'pkcs8',
  })
  const verifier = verifierOf(name, createPublicKey(privateKey))
  if (Buffer.from(verifier.id).toString('hex') !== id) throw wrong('signer key')
  return { ...verifier, sign: given => sign(null, Buffer.from(given), privateKey) }
}

/** A signer key of 32 random bytes, as text. */
export function newSigner(name: string, seed: Uint8Array): string {
  if (seed.length !== keyBytes) throw new TypeError(`A signer key is made of ${keyBytes} bytes.`)
  const privateKey = createPrivateKey({
    key: Buffer.concat([privateDer, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const { id } = verifierOf(name, createPublicKey(privateKey))
  const encoded = Buffer.concat([Buffer.of(ed25519), seed]).toString('base64')
  return `PRIVATE+KEY+${name}+${Buffer.from(id).toString('hex')}+${encoded}`
}

/** One signature of each signer, in their order. */
export function signCheckpoint({ origin, size, root }: Checkpoint, signers: readonly Signer[]): string {
  const text = `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
  const lines = signers.map(signer => {
    const signature = Buffer.concat([signer.id, signer.sign(text)]).toString('base64')
    return `\u2014 ${signer.name} ${signature}\n`
  })
  return `${text}\n${lines.join('')}`
}

export interface OpenedCheckpoint extends Checkpoint {
  /** Keys among the given ones that signed it. */
  readonly signedBy: readonly Verifier[]
}

/**
 * `invalid` (`bad_checkpoint`) when it is no checkpoint, or a signature of a known key does not hold. Who signed it is
 * the caller's to judge.
 */
export function openCheckpoint(note: string, verifiers: readonly Verifier[]): OpenedCheckpoint {
  const end = note.lastIndexOf('\n\n')
  const text = note.slice(0, end + 1)
  const [origin = '', count = '', encoded = ''] = text.split('\n')
  const root = Buffer.from(encoded, 'base64')
  const size = Number(count)
  const formed = end > 0 && origin !== '' && /^(0|[1-9]\d*)$/.test(count) && Number.isSafeInteger(size)
  if (!formed || root.length !== hashBytes || root.toString('base64') !== encoded) throw wrong('checkpoint')
  const signedBy: Verifier[] = []
  for (const line of note.slice(end + 2).split('\n')) {
    if (line === '') continue
    const [, name, signature = ''] = /^\u2014 ([^+\s]+) ([A-Za-z0-9+/]+=*)$/.exec(line) ?? []
    if (name === undefined) throw wrong('checkpoint')
    const bytes = Buffer.from(signature, 'base64')
    // Bits that base64 leaves over would make two notes of one signature.
    if (bytes.toString('base64') !== signature) throw wrong('checkpoint')
    const known = verifiers.find(
      verifier => verifier.name === name && bytes.subarray(0, idBytes).equals(verifier.id),
    )
    if (!known) continue
    if (!known.verifies(text, bytes.subarray(idBytes))) throw wrong('checkpoint')
    signedBy.push(known)
  }
  return { origin, size, root, signedBy }
}
