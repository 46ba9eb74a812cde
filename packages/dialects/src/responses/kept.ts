// Responses that are kept between requests: what is written down of one, how a conversation goes on from there, and what
// is told of it later. Items stay the text that they were, digits and all.
import type { Conversation, RawJson } from '../conversation.ts'
import { Fields } from '../fields.ts'
import { stableHash } from '../ids.ts'
import { Losses } from '../losses.ts'
import { NamePlace } from '../name-place.ts'
import { publicName, renamed } from '../openai/response.ts'
import { type Json, Raw, unsupportedParameter, Verbatim, writeJson } from '../raw.ts'
import { EventReader } from '../sse.ts'
import { readItem, writeInput } from './items.ts'

/** A response as its caller was told it. */
export interface ToldResponse {
  readonly id: string
  /** Whoever made it says that it keeps it. */
  readonly stored: boolean
  readonly json: RawJson
}

const blankLine = Buffer.from('\n\n')

/** The response of a whole reply, or of the events that end a stream. */
export function toldResponse(bytes: Buffer, streamed: boolean): ToldResponse | undefined {
  const response = streamed ? lastEvent(bytes)?.get('response') : Raw.parse(bytes)
  const members = response?.members()
  const id = members?.get('id')?.string()
  if (!response || !id) return undefined
  return { id, stored: members?.get('store')?.boolean() !== false, json: response.text }
}

function lastEvent(bytes: Buffer): Raw | undefined {
  const events = new EventReader()
  let last: Buffer | undefined
  for (const part of [bytes, blankLine]) {
    events.push(part)
    while (events.next()) if (events.hasData) last = events.data.subarray(events.dataStart, events.dataEnd)
  }
  return last && Raw.parse(last)
}

/** What is kept: the request's own items, and the response. */
export function keptContent(request: Buffer, { id, json }: ToldResponse): string {
  const items = inputOf(Raw.body(request)).map((item, index) => withId(item, `${id} asked ${index}`))
  return `{"items":[${items.join(',')}],"response":${json}}`
}

/**
 * What is kept of a request in which a guardrail has changed something. `before` and `after` are the conversation that it
 * goes on from, with its own items last; an item of which nothing was changed stays as it was sent.
 */
export function guardedRequest(
  request: Buffer,
  { before, after }: { readonly before: Conversation; readonly after: Conversation },
): Buffer {
  const items = Raw.parse(Buffer.from(writeJson(inputOf(Raw.body(request)))))?.elements() ?? []
  const turns = items.map(item => readItem(new Fields(item)))
  const sent = before.turns.flatMap(({ parts }) => parts)
  const left = after.turns.flatMap(({ parts }) => parts)
  let next = sent.length - turns.reduce((sum, { parts }) => sum + parts.length, 0)
  const input = turns.flatMap(({ role, parts: { length } }, index): readonly Json[] => {
    const parts = left.slice(next, next + length)
    const same = parts.every((part, i) => part === sent[next + i])
    next += length
    return same
      ? [new Verbatim(items[index]?.text ?? '{}')]
      : writeInput([{ role, parts }], true, new Losses(false))
  })
  return Buffer.from(writeJson({ input }))
}

const inputOf = (request: Raw): readonly Json[] => {
  const input = request.get('input')
  if (input?.kind === 'string') return [{ role: 'user', content: new Verbatim(input.text) }]
  return input?.elements()?.map(({ text }) => new Verbatim(text)) ?? []
}

const prefixes: Readonly<Record<string, string>> = {
  __proto__: null as never, // No name is found that is not written here.
  message: 'msg',
  function_call: 'fc',
  function_call_output: 'fco',
  reasoning: 'rs',
}

/** An item as it is told: with an id, and a message's content in parts. */
function withId(item: Json, seed: string): RawJson {
  const members = Raw.parse(Buffer.from(writeJson(item)))?.members()
  if (!members) return writeJson(item)
  const type = members.get('type')?.string() ?? 'message'
  const content = members.get('content')
  const given = Object.fromEntries<Json>([...members].map(([name, { text }]) => [name, new Verbatim(text)]))
  const id = members.get('id')?.string() ?? `${prefixes[type] ?? 'item'}_${stableHash(seed)}`
  if (type !== 'message') return writeJson({ ...given, id })
  const said = members.get('role')?.string() === 'assistant' ? 'output_text' : 'input_text'
  return writeJson({
    ...given,
    id,
    type,
    status: given.status ?? 'completed',
    content:
      content?.kind === 'string'
        ? [
            {
              type: said,
              text: new Verbatim(content.text),
              ...(said === 'output_text' && { annotations: [] }),
            },
          ]
        : given.content,
  })
}

/** The response of a kept content. */
export function keptResponse(content: string): RawJson {
  return Raw.parse(Buffer.from(content))?.get('response')?.text ?? '{}'
}

/** Items of a conversation that was kept response by response; `last` leaves out what the last one answered. */
export function conversationItems(contents: readonly string[], last: 'answered' | 'asked'): RawJson[] {
  return contents.flatMap((content, index) => {
    const kept = Raw.parse(Buffer.from(content))
    const asked = kept?.get('items')?.elements() ?? []
    const open = last === 'asked' && index === contents.length - 1
    const answered = open ? [] : (kept?.get('response')?.get('output')?.elements() ?? [])
    return [...asked, ...answered].map(({ text }) => text)
  })
}

/**
 * The request with the conversation before it in its input, so that whoever answers it needs no memory. Instructions of
 * earlier requests are not in it: the API does not carry them over.
 */
export function continuedRequest(request: Buffer, items: readonly RawJson[]): Buffer {
  const raw = Raw.body(request).unique()
  const given = [...(raw.members() ?? [])].filter(([name]) => name !== 'previous_response_id')
  const body = Object.fromEntries<Json>(given.map(([name, { text }]) => [name, new Verbatim(text)]))
  const input = [...items.map(item => new Verbatim(item)), ...inputOf(raw)]
  return Buffer.from(writeJson({ ...body, input }))
}

export interface ItemPage {
  /** Id of the item that the page comes after. */
  readonly after: string | undefined
  readonly limit: number
  readonly order: 'asc' | 'desc'
}

/** `GET /v1/responses/{id}/input_items`; undefined where no item has the id that it is to come after. */
export function itemsBody(items: readonly RawJson[], { after, limit, order }: ItemPage): string | undefined {
  const ordered = order === 'asc' ? items : items.toReversed()
  const ids = ordered.map(item => Raw.parse(Buffer.from(item))?.get('id')?.string() ?? null)
  // An id that a caller has sent twice must not lead back to where a page began.
  const start = after === undefined ? 0 : ids.lastIndexOf(after) + 1
  if (after !== undefined && start === 0) return undefined
  const end = Math.min(start + limit, ordered.length)
  return writeJson({
    object: 'list',
    data: ordered.slice(start, end).map(item => new Verbatim(item)),
    first_id: start < end ? (ids[start] ?? null) : null,
    last_id: start < end ? (ids[end - 1] ?? null) : null,
    has_more: end < ordered.length,
  })
}

/** `DELETE /v1/responses/{id}`. */
export function deletedBody(id: string): string {
  return JSON.stringify({ id, object: 'response', deleted: true })
}

/** A response of an upstream with the public name of its model; undefined when the bytes are no JSON object. */
export function shownResponse(body: Buffer, model: string | undefined): Buffer | undefined {
  const place = new NamePlace('model')
  if (!place.find(body)) return undefined
  const name = model === undefined ? undefined : publicName(model)
  return place.differs(body, name) ? renamed(body, place.start, place.end, name) : body
}

export function noBackground() {
  const message =
    "Responses are not made in the background here: leave out 'background', and stream long ones."
  return unsupportedParameter('background', message)
}

export function notKept(name: string) {
  const message = `'${name}' needs a server that keeps responses, which this model's does not: send the whole conversation in 'input'.`
  return unsupportedParameter(name, message)
}
