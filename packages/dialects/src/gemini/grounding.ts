// What a candidate is grounded on. Gemini counts bytes of UTF-8 in a part; the canonical form counts characters of all
// texts of the answer. Where the two cannot be matched exactly the address is cited without a place.
import { charactersAt, indexOf, lengthOf, type Span } from '../characters.ts'
import type { Citation } from '../conversation.ts'
import type { Json, Raw } from '../raw.ts'

/** The parts of one candidate so far, as its places are counted. */
export class Grounds {
  /** Texts that are no thoughts, by part. */
  readonly #parts: (string | undefined)[] = []
  #chunks = 0
  readonly #told = new Set<string>()

  /** Another chunk, or the whole reply. */
  begin(): void {
    this.#chunks++
  }

  /** A part: its text, undefined where it has none or is a thought. */
  part(text: string | undefined): void {
    this.#parts.push(text)
  }

  /** What is cited and was not before: later chunks repeat earlier ones. */
  read(candidate: Raw): readonly Citation[] {
    const grounding = candidate.get('groundingMetadata')
    const recited = candidate.get('citationMetadata')
    if (!grounding && !recited) return none
    const found = [
      ...(grounding ? this.#grounded(grounding) : none),
      ...(recited ? this.#recited(recited) : none),
    ]
    return found.filter(citation => {
      const key = JSON.stringify([citation.url, citation.start, citation.end])
      return !this.#told.has(key) && this.#told.add(key)
    })
  }

  #grounded(grounding: Raw): readonly Citation[] {
    const chunks = (grounding.get('groundingChunks')?.elements() ?? []).map(readChunk)
    const supports = grounding.get('groundingSupports')?.elements() ?? []
    // Pages that no passage refers to are what was found, not what is cited; unless nothing else is told.
    if (supports.length === 0) return chunks.filter(chunk => chunk !== undefined)
    return supports.flatMap(support => {
      const place = this.#place(support.get('segment'))
      return (support.get('groundingChunkIndices')?.elements() ?? []).flatMap(index => {
        const chunk = chunks[index.number() ?? -1]
        return chunk ? [{ ...chunk, ...place }] : []
      })
    })
  }

  /** Passages that the answer repeats from elsewhere; they count in the whole of it. */
  #recited(metadata: Raw): readonly Citation[] {
    const sources = metadata.get('citationSources') ?? metadata.get('citations')
    return (sources?.elements() ?? []).flatMap(source => {
      const cited = readAddress(source)
      return cited ? [{ ...cited, ...this.#match(bytesOf(source), undefined, this.#whole()) }] : []
    })
  }

  /** Where a segment stands: in its part, or as streams count, in all texts; its own words decide. */
  #place(segment: Raw | undefined): Span | undefined {
    if (!segment) return undefined
    const words = segment.get('text')?.string()
    const bytes = bytesOf(segment)
    const index = segment.get('partIndex')?.number() ?? 0
    const text = this.#chunks === 1 ? this.#parts[index] : undefined
    const place =
      text === undefined
        ? undefined
        : this.#match(bytes, words, { text, before: lengthOf(joined(this.#parts.slice(0, index))) })
    return place ?? this.#match(bytes, words, this.#whole())
  }

  #whole(): Base {
    return { text: joined(this.#parts), before: 0 }
  }

  #match(bytes: Span | undefined, words: string | undefined, { text, before }: Base): Span | undefined {
    const utf8 = Buffer.from(text)
    if (!bytes || (words !== undefined && utf8.toString('utf8', bytes.start, bytes.end) !== words))
      return undefined
    const place = charactersAt(utf8, bytes)
    return place && { start: place.start + before, end: place.end + before }
  }
}

interface Base {
  readonly text: string
  /** Characters of texts before it. */
  readonly before: number
}

const none: readonly Citation[] = Object.freeze([])
const joined = (parts: readonly (string | undefined)[]): string => parts.map(part => part ?? '').join('')

/** What is 0 is left out: that is how protocol buffers become JSON. */
function bytesOf(segment: Raw): Span | undefined {
  const start = segment.get('startIndex')?.number() ?? 0
  const end = segment.get('endIndex')?.number()
  return end !== undefined && Number.isSafeInteger(start) && Number.isSafeInteger(end)
    ? { start, end }
    : undefined
}

/** A page, a place on a map, or a document, where it has an address. */
function readChunk(chunk: Raw): Citation | undefined {
  return readAddress(chunk.get('web') ?? chunk.get('maps') ?? chunk.get('retrievedContext'))
}

function readAddress(source: Raw | undefined): Citation | undefined {
  const url = source?.get('uri')?.string()
  const title = source?.get('title')?.string()
  if (url === undefined || !/^https?:\/\//i.test(url)) return undefined
  return { url, ...(title !== undefined && title !== '' && { title }) }
}

/** A text part of a candidate that is written. */
export interface WrittenText {
  readonly text: string
  /** Its place among the parts. */
  readonly part: number
}

/** `groundingMetadata` of these texts; undefined where nothing is cited. */
export function writeGrounding(citations: readonly Citation[], texts: readonly WrittenText[]): Json {
  if (citations.length === 0) return undefined
  const chunks = new Map<string, number>()
  const pages: Json[] = []
  const supports = new Map<string, { readonly segment: Json; readonly indices: number[] }>()
  for (const { url, title, start, end } of citations) {
    const page = JSON.stringify([url, title])
    const index = chunks.get(page) ?? pages.push({ web: { uri: url, title } }) - 1
    chunks.set(page, index)
    const segment = start === undefined || end === undefined ? undefined : segmentOf(texts, { start, end })
    if (!segment) continue
    const key = JSON.stringify(segment)
    const known = supports.get(key)
    if (known) known.indices.push(index)
    else supports.set(key, { segment, indices: [index] })
  }
  return {
    groundingChunks: pages,
    groundingSupports:
      supports.size === 0
        ? undefined
        : [...supports.values()].map(({ segment, indices }) => ({ segment, groundingChunkIndices: indices })),
  }
}

/** The passage within the one part that holds it. */
function segmentOf(
  texts: readonly WrittenText[],
  { start, end }: Span,
): Readonly<Record<string, Json>> | undefined {
  let before = 0
  for (const { text, part } of texts) {
    const length = lengthOf(text)
    if (start >= before && end <= before + length && start < end) {
      const [from, to] = [indexOf(text, start - before), indexOf(text, end - before)]
      const startIndex = Buffer.byteLength(text.slice(0, from))
      const words = text.slice(from, to)
      return {
        partIndex: part || undefined,
        startIndex: startIndex || undefined,
        endIndex: startIndex + Buffer.byteLength(words),
        text: words,
      }
    }
    before += length
  }
  return undefined
}
