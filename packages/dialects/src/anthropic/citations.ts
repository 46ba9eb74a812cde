// What a text block cites. Anthropic cites with a whole block: the block is the claim. Pages of a search convert; places in
// documents of the request have no counterpart elsewhere.
import { indexOf, lengthOf, type Span } from '../characters.ts'
import type { Citation } from '../conversation.ts'
import { foreign } from '../origin.ts'
import type { Json, Raw } from '../raw.ts'

const addressIn: Readonly<Record<string, string>> = {
  web_search_result_location: 'url',
  // The caller's own search: its source is whatever the caller gave.
  search_result_location: 'source',
}

/** Whether a citation of the history may be left out: other dialects have no place for one, and nothing hangs on it. */
export function isAddress(citation: Raw): boolean {
  return Object.hasOwn(addressIn, citation.get('type')?.string() ?? '')
}

/** The citations of a block that stands at these characters of the answer's texts. */
export function readCitations(citations: readonly Raw[], { start, end }: Span): readonly Citation[] {
  return citations.flatMap(citation => {
    if (!isAddress(citation)) return []
    const url = citation.get(addressIn[citation.get('type')?.string() ?? ''] ?? '')?.string()
    const title = citation.get('title')?.string()
    if (url === undefined || !/^https?:\/\//i.test(url)) return []
    return [{ url, ...(title !== undefined && { title }), start, end }]
  })
}

/**
 * Nobody else has the words of the page and the seal of Anthropic's own search. What stands for the seal lets the
 * citation be found again and taken out where the conversation goes on at Anthropic.
 */
export function writeCitation({ url, title }: Citation): Json {
  return {
    type: 'web_search_result_location',
    url,
    title: title ?? null,
    encrypted_index: foreign,
    cited_text: '',
  }
}

type TextBlock = Readonly<Record<string, Json>>

/** A text as blocks, cut so that each citation stands with what it is for; `before` characters of texts came earlier. */
export function citedBlocks(
  text: string,
  before: number,
  citations: readonly Citation[],
): readonly TextBlock[] {
  const length = lengthOf(text)
  const within = (at: number) => Math.min(Math.max(at - before, 0), length)
  const spans = citations.flatMap(citation => {
    const { start = before, end = before + length } = citation
    const span = { start: within(start), end: within(end), citation }
    return span.start < span.end ? [span] : []
  })
  const places = new Set([0, ...spans.flatMap(({ start, end }) => [start, end]), length])
  const cuts = [...places].toSorted((one, other) => one - other)
  let rest = text
  return cuts.slice(1).map((end, at) => {
    const start = cuts[at] ?? 0
    const cited = spans.filter(span => span.start <= start && end <= span.end)
    const cut = indexOf(rest, end - start)
    const said = rest.slice(0, cut)
    rest = rest.slice(cut)
    return {
      type: 'text',
      text: said,
      ...(cited.length > 0 && { citations: cited.map(({ citation }) => writeCitation(citation)) }),
    }
  })
}
