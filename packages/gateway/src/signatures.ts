// What upstreams have signed in answers that call tools, kept for callers whose clients lose it: put back when the same
// calls come again in a history, for upstreams that can read it, within one workspace.
import { hash } from 'node:crypto'
import type { ChatDialect, Conversation, Delta, Listener, Part, Turn } from '@switchyard/dialects'
import type { House } from './house.ts'

export interface SignatureOptions {
  /** What may be kept, in bytes of memory as they are estimated. */
  readonly bytes: number
  /** How long an answer's signatures are kept after their last use, in milliseconds. */
  readonly ttl: number
}

const defaults: SignatureOptions = Object.freeze({ bytes: 64 * 1024 * 1024, ttl: 3_600_000 })

/** Characters of one answer's reasoning: of a longer one nothing is kept. */
const mostReasoning = 1024 * 1024

/** What an entry takes beside its texts, in bytes: about as measured. */
const overhead = 512

type Reasoning = Extract<Part, { type: 'reasoning' }>
type Call = Extract<Part, { type: 'toolCall' }>

interface Kept {
  /** The reasoning that stood before each call, in the order of the calls. */
  readonly leads: readonly (readonly Reasoning[])[]
  readonly weight: number
  usedAt: number
}

export class Signatures {
  readonly #options: SignatureOptions
  readonly #clock: () => number
  /** The least recently used first. */
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  /** `clock` tells milliseconds. */
  constructor(clock: () => number, options: Partial<SignatureOptions> = {}) {
    this.#clock = clock
    this.#options = Object.freeze({ ...defaults, ...options })
  }

  get bytes(): number {
    return this.#bytes
  }

  /** What is kept for one workspace. */
  of(workspace: string): WorkspaceSignatures {
    return new WorkspaceSignatures(this, workspace)
  }

  /** The conversation with what its caller has lost of this dialect's signatures; itself where nothing was. */
  restored(workspace: string, conversation: Conversation, dialect: ChatDialect): Conversation {
    if (this.#kept.size === 0) return conversation
    let changed = false
    const turns = conversation.turns.map(turn => {
      const parts = turn.role === 'assistant' ? this.#restored(workspace, turn, dialect) : undefined
      if (!parts) return turn
      changed = true
      return { role: turn.role, parts }
    })
    return changed ? { ...conversation, turns } : conversation
  }

  /** Keeps what the answer that it hears has signed. */
  listener(workspace: string): Listener {
    return new Answer((calls, leads) => this.#keep(keyOf(workspace, calls), leads))
  }

  #restored(workspace: string, { parts }: Turn, dialect: ChatDialect): readonly Part[] | undefined {
    const calls = parts.filter(part => part.type === 'toolCall')
    if (calls.length === 0 || parts.some(isSigned)) return undefined
    const leads = this.#find(keyOf(workspace, calls))
    if (!leads?.flat().some(part => isReadBy(dialect, part))) return undefined
    return withLeads(parts, leads)
  }

  #find(key: string): Kept['leads'] | undefined {
    const found = this.#kept.get(key)
    if (!found) return undefined
    this.#forget(key, found)
    const now = this.#clock()
    if (now - found.usedAt >= this.#options.ttl) return undefined
    found.usedAt = now
    this.#add(key, found)
    return found.leads
  }

  #keep(key: string, leads: Kept['leads']): void {
    const { bytes, ttl } = this.#options
    const now = this.#clock()
    const weight = leads.flat().reduce((sum, part) => sum + weightOf(part), overhead)
    const known = this.#kept.get(key)
    if (known) this.#forget(key, known)
    if (weight > bytes) return
    for (const [oldest, kept] of this.#kept) {
      if (this.#bytes + weight <= bytes && now - kept.usedAt < ttl) break
      this.#forget(oldest, kept)
    }
    this.#add(key, { leads, weight, usedAt: now })
  }

  #add(key: string, kept: Kept): void {
    this.#kept.set(key, kept)
    this.#bytes += kept.weight
  }

  #forget(key: string, { weight }: Kept): void {
    this.#kept.delete(key)
    this.#bytes -= weight
  }
}

export class WorkspaceSignatures {
  readonly #all: Signatures
  readonly #workspace: string

  constructor(all: Signatures, workspace: string) {
    this.#all = all
    this.#workspace = workspace
  }

  /** The conversation with what its caller has lost of this dialect's signatures; itself where nothing was. */
  restored(conversation: Conversation, dialect: ChatDialect): Conversation {
    return this.#all.restored(this.#workspace, conversation, dialect)
  }

  /** Keeps what the answer that it hears has signed. */
  listener(): Listener {
    return this.#all.listener(this.#workspace)
  }
}

const stores = new WeakMap<House, Signatures>()

/** The one store of a gateway: it lives in this process alone. */
export function signaturesOf(house: House): Signatures {
  const known = stores.get(house)
  if (known) return known
  const made = new Signatures(house.clock)
  stores.set(house, made)
  return made
}

interface Block {
  readonly type: 'reasoning' | 'toolCall'
  readonly id: string
  readonly name: string
  text: string
  seal: Pick<Reasoning, 'signature' | 'opaque' | 'origin'>
}

/** One answer as it is said: its reasoning and its calls, in order. Of several choices the first is heard. */
class Answer implements Listener {
  readonly #blocks = new Map<number, Block>()
  readonly #tell: (calls: readonly Call[], leads: Kept['leads']) => void
  #units = 0

  constructor(tell: (calls: readonly Call[], leads: Kept['leads']) => void) {
    this.#tell = tell
  }

  push(deltas: readonly Delta[]): void {
    for (const delta of deltas) if (delta.choice === 0) this.#hear(delta)
  }

  #hear(delta: Delta): void {
    if (delta.type === 'end') this.#end()
    else if (delta.type === 'open') {
      if (delta.kind === 'reasoning')
        this.#blocks.set(delta.block, { type: 'reasoning', id: '', name: '', text: '', seal: {} })
      else if (delta.kind === 'tool')
        this.#blocks.set(delta.block, {
          type: 'toolCall',
          id: delta.id,
          name: delta.name,
          text: '',
          seal: {},
        })
    } else if (delta.type === 'reasoning') this.#say(delta.block, delta.text)
    else if (delta.type === 'args') this.#say(delta.block, delta.json)
    else if (delta.type === 'signature') {
      const block = this.#blocks.get(delta.block)
      if (!block) return
      const { signature, opaque, origin } = delta
      this.#units += (signature ?? '').length + (opaque ?? '').length
      block.seal = {
        ...block.seal,
        ...(signature !== undefined && { signature }),
        ...(opaque !== undefined && { opaque }),
        origin,
      }
    }
  }

  #say(number: number, text: string): void {
    const block = this.#blocks.get(number)
    if (!block) return
    this.#units += text.length
    if (this.#units <= mostReasoning) block.text += text
  }

  #end(): void {
    if (this.#units > mostReasoning) return
    const calls: Call[] = []
    const leads: (readonly Reasoning[])[] = []
    let lead: Reasoning[] = []
    for (const { type, id, name, text, seal } of this.#blocks.values())
      if (type === 'reasoning') lead.push(Object.freeze({ type, ...(text !== '' && { text }), ...seal }))
      else {
        calls.push({ type, id, name, args: text })
        leads.push(Object.freeze(lead))
        lead = []
      }
    if (leads.some(before => before.some(isSigned))) this.#tell(calls, Object.freeze(leads))
  }
}

function isSigned(part: Part): boolean {
  return part.type === 'reasoning' && (part.signature !== undefined || part.opaque !== undefined)
}

const others: readonly string[] = ['responses', 'anthropic', 'gemini', 'ollama'] satisfies ChatDialect[]

/** Providers that speak OpenAI's chat sign under many names; each other dialect has its own. */
function isReadBy(dialect: ChatDialect, part: Reasoning): boolean {
  if (!isSigned(part) || part.origin === undefined) return false
  return dialect === 'openai' ? !others.includes(part.origin) : part.origin === dialect
}

/** Thoughts come first, as all dialects want them; what signs a call alone stands right before it. */
function withLeads(parts: readonly Part[], leads: Kept['leads']): readonly Part[] {
  const [first = []] = leads
  const thoughts = first.filter(part => part.text !== undefined || part.opaque !== undefined)
  const loose = first.filter(part => part.text === undefined && part.opaque === undefined)
  let call = 0
  const rest = parts.flatMap((part): readonly Part[] => {
    if (part.type === 'reasoning') return [] // the same, without its signature
    if (part.type !== 'toolCall') return [part]
    const before = call++ === 0 ? loose : (leads[call - 1] ?? [])
    return [...before, part]
  })
  return [...thoughts, ...rest]
}

/** Ids alone are not enough: some engines number the calls of every answer from 0. */
function keyOf(workspace: string, calls: readonly Call[]): string {
  const told = calls.map(({ id, name, args }) => [plainId(id), name, plainArgs(args)])
  return hash('sha256', JSON.stringify([workspace, told]), 'base64')
}

/** An id as it was before a dialect's grammar made a hash of it. */
function plainId(id: string): string {
  return /^(?:call|toolu)_([0-9a-f]{24})$/.exec(id)?.[1] ?? hash('sha256', id).slice(0, 24)
}

/** Characters of arguments that are compared as JSON; longer ones as text. */
const mostArgs = 64 * 1024

/** Arguments as clients may write them anew: in other spaces, escapes and order of members. */
function plainArgs(args: string): string {
  if (args.length > mostArgs) return args
  try {
    const value: unknown = JSON.parse(args.trim() === '' ? '{}' : args)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value)
    const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
    return JSON.stringify(members)
  } catch (error) {
    // No JSON, or nested too deeply to be printed.
    if (error instanceof SyntaxError || error instanceof RangeError) return args
    throw error
  }
}

function weightOf({ text = '', signature = '', opaque = '' }: Reasoning): number {
  return 2 * (text.length + signature.length + opaque.length) + 64
}
