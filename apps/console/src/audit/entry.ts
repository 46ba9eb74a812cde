// An entry of the trail and the state of its log, as the server tells them. Both are built together.

export interface Entry {
  readonly seq: number
  readonly id: string
  readonly time: string
  readonly workspace: string | null
  readonly actor: { readonly id: string; readonly name?: string; readonly method?: string }
  readonly action: string
  readonly outcome: 'success' | 'denied' | 'failed'
  readonly code?: string
  readonly reason?: string
  readonly rule?: string
  readonly count?: number
  readonly before?: string
  readonly after?: string
  readonly diff?: readonly Operation[]
  readonly resource?: { readonly kind: string; readonly name?: string; readonly uid?: string }
  readonly origin?: { readonly request?: string; readonly ip?: string; readonly agent?: string }
}

export interface Operation {
  readonly op: 'add' | 'replace' | 'remove'
  readonly path: string
  readonly value?: unknown
}

export interface Standing {
  readonly entries: number
  readonly archived: number
  readonly unnumberedSeconds: number
  readonly unsignedSeconds: number
  readonly unarchivedSeconds: number
  readonly signedAt?: string
  readonly checkpoint?: string
  readonly keys: readonly string[]
  readonly protection: string
  readonly writeOnce: boolean
}

interface Checkpoint {
  /** Of the log. */
  readonly origin: string
  readonly size: number
  /** Base64. */
  readonly root: string
  /** What is signed. */
  readonly text: string
  /** Each with the name of its key, and base64 of the key's id and the signature. */
  readonly signatures: readonly { readonly name: string; readonly bytes: string }[]
}

/** C2SP signed-note and tlog-checkpoint. */
export function readCheckpoint(note: string): Checkpoint {
  const end = note.lastIndexOf('\n\n')
  const text = note.slice(0, end + 1)
  const [origin = '', size = '', root = ''] = text.split('\n')
  const signatures = note
    .slice(end + 2)
    .split('\n')
    .flatMap(line => {
      const [, name, bytes] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? []
      return name === undefined || bytes === undefined ? [] : [{ name, bytes }]
    })
  return { origin, size: Number(size), root, text, signatures }
}
