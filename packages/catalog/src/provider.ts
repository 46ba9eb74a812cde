// What a row of the catalog says of an outside service, and what follows from a row for one request.
import type { Operation, Speech } from '@switchyard/dialects'
import type { CredentialSecret, credential, DocumentOf, ProviderType } from '@switchyard/kinds'

/** Header in which a provider takes its key. */
export type KeyCarrier = 'bearer' | 'x-api-key' | 'api-key' | 'x-goog-api-key'

export interface ProviderRow {
  readonly type: ProviderType
  readonly title: string
  /** Its own reference of the API, which the row was written from. */
  readonly docs: string
  /** Where the API begins; undefined when only the operator can know. */
  readonly baseUrl: string | undefined
  /** What a baseUrl looks like, for people. */
  readonly example: string
  readonly speech: Speech
  readonly carrier: KeyCarrier
  /** Sent with every request, lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Operations that it offers, and their paths below the base. `{model}` is replaced. What is absent here is not
   * sent to it.
   */
  readonly paths: Readonly<Partial<Record<Operation, string>>>
  /** It has no list of its models, or none below its base. */
  readonly unlisted?: true
}

/** How a service tells which models it has. */
export interface Listing {
  /** Below the base. */
  readonly path: string
  /** The names, as the service calls them; undefined for a body that is no such list. */
  readonly namesIn: (body: unknown) => readonly string[] | undefined
}

function namesBy(list: string, name: string, start = ''): Listing['namesIn'] {
  return body => {
    const items: unknown = member(body, list)
    if (!Array.isArray(items)) return undefined
    return items.flatMap(item => {
      const text: unknown = member(item, name)
      return typeof text === 'string' ? [text.startsWith(start) ? text.slice(start.length) : text] : []
    })
  }
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

const byId: Listing = { path: '/models', namesIn: namesBy('data', 'id') }

const listings: Readonly<Record<Speech['dialect'], Listing>> = {
  openai: byId,
  responses: byId,
  anthropic: byId,
  gemini: { path: '/models', namesIn: namesBy('models', 'name', 'models/') },
  ollama: { path: '/api/tags', namesIn: namesBy('models', 'name') },
}

/** Undefined where there is no list. */
export function listingOf({
  speech,
  unlisted,
}: Pick<ProviderRow, 'speech' | 'unlisted'>): Listing | undefined {
  return unlisted ? undefined : listings[speech.dialect]
}

/** The row's path of an operation, below the base; undefined when the provider has none. */
export function pathOf(
  { paths }: Pick<ProviderRow, 'paths'>,
  operation: Operation,
  model: string,
): string | undefined {
  return paths[operation]?.replace('{model}', () => encodeURIComponent(model))
}

/** What is added to a request so that the provider accepts it. It is secret. */
export interface Carried {
  /** Names (lower case) and values by turns. */
  readonly headers: readonly string[]
  /** `name=value`, encoded, to be added to the query; '' for nothing. */
  readonly query: string
}

const nothing: Carried = Object.freeze({ headers: Object.freeze([]), query: '' })

const carriers: Readonly<Record<KeyCarrier, (value: string) => readonly string[]>> = {
  bearer: value => ['authorization', `Bearer ${value}`],
  'x-api-key': value => ['x-api-key', value],
  'api-key': value => ['api-key', value],
  'x-goog-api-key': value => ['x-goog-api-key', value],
}

type Spec = Pick<DocumentOf<typeof credential>['spec'], 'type' | 'name' | 'username'>

/** How each type of Credential carries its value; `custom` has headers alone. */
const types: Readonly<
  Record<Spec['type'], (row: Pick<ProviderRow, 'carrier'>, spec: Spec, value: string) => Carried>
> = {
  bearer: ({ carrier }, _, value) => ({ headers: carriers[carrier](value), query: '' }),
  header: (_, { name = '' }, value) => ({ headers: [name.toLowerCase(), value], query: '' }),
  query: (_, { name = '' }, value) => ({
    headers: [],
    query: `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  }),
  basic: (_, { username = '' }, value) => ({
    headers: ['authorization', `Basic ${Buffer.from(`${username}:${value}`).toString('base64')}`],
    query: '',
  }),
  custom: () => nothing,
}

/** How a credential goes along with a request to a provider of this row. */
export function carriedBy(
  row: Pick<ProviderRow, 'carrier'>,
  spec: Spec,
  { value, headers = {} }: CredentialSecret,
): Carried {
  const { headers: own, query } = value === undefined ? nothing : types[spec.type](row, spec, value)
  const more = Object.entries(headers).flatMap(([name, text]) => [name.toLowerCase(), text])
  return Object.freeze({ headers: Object.freeze([...own, ...more]), query })
}
