// What may be done to several documents of a list at once: what the catalogue declares, what their kind can be switched
// to, and labels. Each is one row.
import type { Document, KindInfo } from '../api/catalogue.ts'
import { documentPath } from '../api/documents.ts'
import type { Exchange } from '../api/exchange.ts'
import { changed } from './saving.ts'
import { resolved } from './shape.ts'

/** What came of it: the document as it is now, where it can be turned back; a secret that is shown once. */
export interface Done {
  readonly after?: Document
  readonly secret?: string
}

export type Verb = 'disable' | 'enable' | 'suspend' | 'release' | 'pause' | 'resume'

export interface Deed {
  readonly id: string
  /** A verb of the catalogue is called by its name, the others by the words of this room. */
  readonly verb:
    | { readonly of: 'catalogue'; readonly name: string }
    | { readonly of: 'room'; readonly name: Verb | 'delete' | 'label' }
  readonly permission: string
  /** It cannot be turned back: the number of them is typed. */
  readonly isFinal?: boolean
  /** Says more, in the words of the catalogue. */
  readonly doc?: string
  perform(exchange: Exchange, document: Document, label: Label): Promise<Done>
}

/** The label that is set, or taken away where it has no value. */
export interface Label {
  readonly key: string
  readonly value: string | undefined
}

const switches: readonly { readonly field: string; readonly on: Verb; readonly off: Verb }[] = [
  { field: 'disabled', on: 'disable', off: 'enable' },
  { field: 'suspended', on: 'suspend', off: 'release' },
  { field: 'paused', on: 'pause', off: 'resume' },
]

/** What acts upon several are told beyond a yes. A day is time enough to put new secrets where the old ones were. */
const bodies: Readonly<Record<string, object>> = { 'ApiKey rotate': { overlapSeconds: 86_400 } }

const remove = (kind: KindInfo): Deed => ({
  id: 'delete',
  verb: { of: 'room', name: 'delete' },
  permission: `${kind.noun}:delete`,
  isFinal: true,
  async perform(exchange, { metadata }) {
    await exchange.send({ method: 'DELETE', path: documentPath(kind, metadata) })
    return {}
  },
})

const act = (kind: KindInfo, { verb, permission, doc }: KindInfo['actions'][number]): Deed => ({
  id: `act ${verb}`,
  verb: { of: 'catalogue', name: verb },
  permission,
  isFinal: true,
  doc,
  async perform(exchange, { metadata }) {
    const path = `${documentPath(kind, metadata)}/actions/${verb}`
    const { body } = await exchange.send({ method: 'POST', path, body: bodies[`${kind.kind} ${verb}`] ?? {} })
    const { secret } = body as { readonly secret?: string } // the console and the server are built together
    return secret === undefined ? {} : { secret }
  },
})

const turn = (kind: KindInfo, field: string, name: Verb, value: boolean): Deed => ({
  id: `${field} ${value}`,
  verb: { of: 'room', name },
  permission: `${kind.noun}:update`,
  perform: async (exchange, document) => ({
    after: await changed(exchange, kind, document, ['spec', field], value),
  }),
})

const label = (kind: KindInfo): Deed => ({
  id: 'label',
  verb: { of: 'room', name: 'label' },
  permission: `${kind.noun}:update`,
  perform: async (exchange, document, { key, value }) => ({
    after: await changed(exchange, kind, document, ['metadata', 'labels', key], value),
  }),
})

/** In the order in which they stand; what destroys is last. */
export function deedsFor(kind: KindInfo): readonly Deed[] {
  const { properties = {} } = resolved(kind.spec, kind.spec)
  const turns = switches
    .filter(({ field }) => properties[field]?.type === 'boolean')
    .flatMap(({ field, on, off }) => [turn(kind, field, on, true), turn(kind, field, off, false)])
  const written = kind.system ? [] : [...turns, label(kind)]
  return [...written, ...kind.actions.map(one => act(kind, one)), remove(kind)]
}
