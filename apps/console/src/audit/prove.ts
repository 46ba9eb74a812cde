// Checks a proof in the browser: from the entry's hash to the signed root (RFC 9162, 2.1.3.2; C2SP tlog-proof).
import { readCheckpoint } from './entry.ts'

/** `root`: the hashes lead to the root, and this browser knows no Ed25519. `unable`: it has no hashes here. */
export type Verdict = 'signed' | 'root' | 'broken' | 'unable'

const head =
  /^c2sp\.org\/tlog-proof@v1\n(?:extra [A-Za-z0-9+/=]*\n)?index (\d+)\n((?:[A-Za-z0-9+/]{43}=\n)*)\n/

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), each => each.charCodeAt(0))

async function hash(...parts: readonly Uint8Array[]): Promise<Uint8Array> {
  return new Uint8Array(
    await crypto.subtle.digest('SHA-256', await new Blob([...parts] as BlobPart[]).arrayBuffer()),
  )
}

const same = (one: Uint8Array, other: Uint8Array) =>
  one.length === other.length && one.every((byte, index) => byte === other[index])

async function leads(
  entry: string,
  index: number,
  size: number,
  steps: readonly Uint8Array[],
): Promise<Uint8Array | undefined> {
  if (index >= size) return undefined
  let [at, last] = [index, size - 1]
  let root = await hash(Uint8Array.of(0), new TextEncoder().encode(entry))
  for (const step of steps) {
    if (last === 0) return undefined
    if (at % 2 === 1 || at === last) {
      root = await hash(Uint8Array.of(1), step, root)
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)]
    } else root = await hash(Uint8Array.of(1), root, step)
    ;[at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
  }
  return last === 0 ? root : undefined
}

/** Whether a key among `keys` (`name+hash+key`) has signed the text. */
async function isSigned(
  text: string,
  name: string,
  bytes: Uint8Array,
  keys: readonly string[],
): Promise<boolean> {
  const id = [...bytes.subarray(0, 4)].map(byte => byte.toString(16).padStart(2, '0')).join('')
  const encoded = keys.find(key => key.startsWith(`${name}+${id}+`))?.slice(name.length + id.length + 2)
  if (encoded === undefined) return false
  const raw = bytesOf(encoded).subarray(1)
  const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify'])
  return crypto.subtle.verify('Ed25519', key, bytes.slice(4), new TextEncoder().encode(text))
}

export async function verdictOf(
  entry: string,
  seq: number,
  proof: string,
  keys: readonly string[],
): Promise<Verdict> {
  if (!globalThis.isSecureContext) return 'unable'
  const [start = '', index = '', hashes = ''] = head.exec(proof) ?? []
  const { origin, size, root, text, signatures } = readCheckpoint(proof.slice(start.length))
  const steps = hashes
    .split('\n')
    .filter(line => line !== '')
    .map(bytesOf)
  const reached = start !== '' && Number(index) === seq ? await leads(entry, seq, size, steps) : undefined
  if (!reached || !same(reached, bytesOf(root))) return 'broken'
  const ours = signatures.filter(({ name }) => name === origin)
  try {
    for (const { name, bytes } of ours) if (await isSigned(text, name, bytesOf(bytes), keys)) return 'signed'
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotSupportedError') return 'root'
    throw error
  }
  return 'broken'
}
