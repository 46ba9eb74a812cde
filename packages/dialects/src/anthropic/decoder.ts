// Reads an upstream's stream of named events. What each event is stands in its data too, so that `event:` may be
// missing; blocks of kinds that do not convert are passed over.
import { Fault } from '@switchyard/kinds'
import { TextPlace } from '../annotations.ts'
import type { Delta } from '../conversation.ts'
import type { Decoder } from '../dialect.ts'
import { Raw } from '../raw.ts'
import { EventReader } from '../sse.ts'
import { readCitations } from './citations.ts'
import { readError } from './error.ts'
import { outputTool, type Row } from './row.ts'
import { mergeReport, type Report, usageOf } from './usage.ts'
import { type Finish, readStop, unseal } from './words.ts'

const malformedInARow = 3
const blankLine = Buffer.from('\n\n')

const cut: Delta = {
  type: 'fault',
  choice: 0,
  status: 502,
  message: 'The upstream ended its answer before it was complete: send the request again.',
}
const unreadable: Delta = {
  type: 'fault',
  choice: 0,
  status: 502,
  message: 'The upstream sent events that can not be read: send the request again.',
}

interface Open {
  readonly block: number
  readonly kind: 'text' | 'reasoning' | 'tool'
  /** Arguments that stood at the call's start, for upstreams that send no fragments. */
  args: string
  /** The call is the answer itself: its arguments are the text. */
  readonly answer?: true
  /** Of a text: characters of texts before it, and what it cites, which is told once it is whole. */
  readonly before?: number
  readonly cited?: Raw[]
}

/** Members of an event, read once. */
type Members = ReadonlyMap<string, Raw>
const none: Members = new Map()

export function decoder(row: Row): Decoder {
  return new AnthropicDecoder(row)
}

class AnthropicDecoder implements Decoder {
  malformed = 0
  readonly #row: Row
  readonly #reader = new EventReader()
  /** Open blocks by the upstream's index. */
  readonly #open = new Map<number, Open>()
  readonly #place = new TextPlace()
  #out: Delta[] = []
  #report: Report = {}
  #finish: Finish | undefined
  #started = false
  #over = false
  #blocks = 0
  #calls = false
  #malformedInARow = 0

  constructor(row: Row) {
    this.#row = row
  }

  push(chunk: Buffer): readonly Delta[] {
    this.#out = []
    if (!this.#over) this.#read(chunk)
    return this.#out
  }

  finish(): readonly Delta[] {
    this.#out = []
    if (this.#over) return this.#out
    if (this.#reader.unfinished > 0) this.#read(blankLine)
    if (this.#over) return this.#out
    // The stop reason comes after all content: nothing of the answer is missing.
    if (this.#finish) this.#end()
    else this.#fail(cut)
    return this.#out
  }

  #read(chunk: Buffer): void {
    const reader = this.#reader
    reader.push(chunk)
    while (!this.#over && reader.next()) {
      if (!reader.hasData) continue
      if (this.#understood(reader.data.subarray(reader.dataStart, reader.dataEnd))) this.#malformedInARow = 0
      else this.#spoilt()
    }
    if (reader.tooLarge && !this.#over) this.#fail(unreadable)
  }

  #spoilt(): void {
    this.malformed++
    if (++this.#malformedInARow === malformedInARow) this.#fail(unreadable)
  }

  #understood(data: Buffer): boolean {
    const before = this.#out.length
    try {
      const members = Raw.parse(data)?.members()
      if (members) this.#event(members)
      return members !== undefined
    } catch (error) {
      // An event with more members than can be read is as good as none.
      if (!(error instanceof Fault)) throw error
      this.#out.length = before
      return false
    }
  }

  #event(event: Members): void {
    const type = event.get('type')?.string()
    switch (type) {
      case 'message_start':
        this.#start(event.get('message')?.members() ?? none)
        break
      case 'content_block_start':
        this.#openBlock(indexOf(event), event.get('content_block')?.members() ?? none)
        break
      case 'content_block_delta':
        this.#delta(indexOf(event), event.get('delta')?.members() ?? none)
        break
      case 'content_block_stop':
        this.#close(indexOf(event))
        break
      case 'message_delta':
        this.#messageDelta(event.get('delta')?.members() ?? none, event.get('usage'))
        break
      case 'message_stop':
        this.#end()
        break
      default:
        if (event.get('error')?.kind === 'object') this.#fail(readError(event.get('error')))
    }
  }

  #start(message: Members): void {
    if (this.#started) return
    this.#started = true
    const id = message.get('id')?.string()
    const model = message.get('model')?.string()
    this.#out.push({
      type: 'start',
      choice: 0,
      ...(id !== undefined && { id }),
      ...(model !== undefined && { model }),
    })
    this.#usage(message.get('usage'))
  }

  #usage(reported: Raw | undefined): void {
    if (reported?.kind !== 'object') return
    this.#report = mergeReport(this.#report, reported)
    const usage = usageOf(this.#report, this.#row.counts)
    if (usage) this.#out.push({ type: 'usage', choice: 0, usage })
  }

  #openBlock(index: number, content: Members): void {
    this.#start(none)
    if (this.#open.has(index)) return
    const type = content.get('type')?.string()
    const block = this.#blocks
    const said = (name: string) => content.get(name)?.string() ?? ''
    if (type === 'text') {
      this.#place.begin()
      const cited = [...(content.get('citations')?.elements() ?? [])]
      this.#opened(index, { block, kind: 'text', args: '', before: this.#place.before, cited })
      this.#say(block, 'text', said('text'))
    } else if (type === 'thinking' || type === 'redacted_thinking') {
      this.#opened(index, { block, kind: 'reasoning', args: '' })
      this.#say(block, 'reasoning', said('thinking'))
      if (type === 'thinking') this.#prove(block, said('signature'), 'signature')
      else this.#prove(block, said('data'), 'opaque')
    } else if (type === 'tool_use') {
      const input = content.get('input')
      const args = input?.kind === 'object' && input.members()?.size !== 0 ? input.text : ''
      if (said('name') === outputTool) {
        this.#opened(index, { block, kind: 'text', args, answer: true })
        return
      }
      this.#calls = true
      this.#blocks++
      this.#open.set(index, { block, kind: 'tool', args })
      this.#out.push({ type: 'open', choice: 0, block, kind: 'tool', id: said('id'), name: said('name') })
    }
  }

  #opened(index: number, open: Open & { readonly kind: 'text' | 'reasoning' }): void {
    this.#blocks++
    this.#open.set(index, open)
    this.#out.push({ type: 'open', choice: 0, block: open.block, kind: open.kind })
  }

  #say(block: number, type: 'text' | 'reasoning', text: string): void {
    if (text === '') return
    if (type === 'text') this.#place.say(text)
    this.#out.push({ type, choice: 0, block, text })
  }

  #prove(block: number, value: string, place: 'signature' | 'opaque'): void {
    const proof = unseal(value, place)
    if (value !== '' && proof.origin !== undefined)
      this.#out.push({ type: 'signature', choice: 0, block, ...proof })
  }

  #delta(index: number, delta: Members): void {
    const open = this.#open.get(index)
    if (!open) return
    const { block, kind, answer } = open
    const type = delta.get('type')?.string()
    const said = (name: string) => delta.get(name)?.string() ?? ''
    if (type === 'text_delta' && kind === 'text' && !answer) this.#say(block, 'text', said('text'))
    else if (type === 'citations_delta' && open.cited) {
      const citation = delta.get('citation')
      if (citation) open.cited.push(citation)
    } else if (type === 'thinking_delta' && kind === 'reasoning')
      this.#say(block, 'reasoning', said('thinking'))
    else if (type === 'signature_delta' && kind === 'reasoning')
      this.#prove(block, said('signature'), 'signature')
    else if (type === 'input_json_delta' && (kind === 'tool' || answer)) {
      const json = said('partial_json')
      if (json === '') return
      open.args = ''
      this.#args(block, json, answer)
    }
  }

  #args(block: number, json: string, answer: true | undefined): void {
    if (answer) this.#say(block, 'text', json)
    else this.#out.push({ type: 'args', choice: 0, block, json })
  }

  #close(index: number): void {
    const open = this.#open.get(index)
    if (!open) return
    this.#open.delete(index)
    const { block, args, answer } = open
    if (args !== '') this.#args(block, args, answer)
    if (open.cited && open.cited.length > 0)
      for (const citation of readCitations(open.cited, { start: open.before ?? 0, end: this.#place.all }))
        this.#out.push({ type: 'annotation', choice: 0, block, citation })
    this.#out.push({ type: 'close', choice: 0, block })
  }

  #messageDelta(delta: Members, usage: Raw | undefined): void {
    this.#start(none)
    const reason = delta.get('stop_reason')?.string()
    if (reason !== undefined) {
      this.#closeAll()
      const finish = readStop(reason, delta.get('stop_sequence')?.string(), this.#calls)
      if (!this.#finish) this.#out.push({ type: 'finish', choice: 0, ...finish })
      this.#finish = finish
    }
    this.#usage(usage)
  }

  #closeAll(): void {
    for (const index of this.#open.keys()) this.#close(index)
  }

  #end(): void {
    this.#start(none)
    this.#closeAll()
    if (!this.#finish)
      this.#out.push({ type: 'finish', choice: 0, ...readStop(undefined, undefined, this.#calls) })
    this.#out.push({ type: 'end', choice: 0 })
    this.#over = true
  }

  #fail(fault: Delta): void {
    this.#out.push(fault)
    this.#over = true
  }
}

function indexOf(event: Members): number {
  return event.get('index')?.number() ?? -1
}
