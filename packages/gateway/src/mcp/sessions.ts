// Sessions without a table of them: what a caller holds is the server's own id of the session and the place that made
// it, sealed for who opened it. Another caller's, another server's or an invented one does not open, and every process
// of an installation opens what any of them has sealed.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import type { Sealed } from '@switchyard/runtime'
import type { Principal } from '../snapshot.ts'
import type { McpServer } from './server.ts'

/** A session at the place that made it. */
export interface McpSession {
  readonly place: string
  /** As its server calls it. */
  readonly id: string
}

type Owner = Pick<Principal, 'workspace' | 'id'>

const prefix = 'sy1.'
const nonceBytes = 12
const tagBytes = 16
const form = /^sy1\.[\w-]{40,2048}$/
/** What a server may call a session: visible ASCII, by MCP. */
const idForm = /^[\x21-\x7e]{1,1024}$/

export class McpSessions {
  readonly #given
  #from: readonly Sealed<Uint8Array>[] = []
  #keys: readonly KeyObject[] = []

  /** 32 bytes each; the first seals, all of them open. Another value is other keys. */
  constructor(keys: () => readonly Sealed<Uint8Array>[]) {
    this.#given = keys
  }

  get #known(): readonly KeyObject[] {
    const given = this.#given()
    if (given !== this.#from) {
      this.#keys = given.map(key => createSecretKey(key.reveal()))
      this.#from = given
    }
    return this.#keys
  }

  /** What the caller is given; undefined for an id that a header cannot carry. */
  seal(owner: Owner, server: McpServer, { place, id }: McpSession): string | undefined {
    const [key] = this.#known
    if (!key || !idForm.test(id)) return undefined
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
    cipher.setAAD(boundTo(owner, server))
    const sealed = Buffer.concat([
      nonce,
      cipher.update(`${place} ${id}`),
      cipher.final(),
      cipher.getAuthTag(),
    ])
    return prefix + sealed.toString('base64url')
  }

  /** Undefined for what was not sealed for this caller and this server. */
  open(owner: Owner, server: McpServer, token: string): McpSession | undefined {
    if (!form.test(token)) return undefined
    const sealed = Buffer.from(token.slice(prefix.length), 'base64url')
    const aad = boundTo(owner, server)
    for (const key of this.#known) {
      const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
      cipher.setAAD(aad).setAuthTag(sealed.subarray(-tagBytes))
      const clear = cipher.update(sealed.subarray(nonceBytes, -tagBytes))
      if (!isWhole(cipher)) continue
      const [place = '', id = ''] = clear.toString().split(' ')
      return { place, id }
    }
    return undefined
  }
}

/** The tag says so: node throws where it does not. */
function isWhole(cipher: { final(): Buffer }): boolean {
  try {
    cipher.final()
    return true
  } catch {
    return false
  }
}

function boundTo({ workspace, id }: Owner, server: McpServer): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([workspace, id, server.id]))
    .digest()
}
