// What an answer cites, as OpenAI's two dialects write it. They count characters alike, but one in the whole message and
// the other in each of its parts.
import { lengthOf } from './characters.ts'
import type { Citation } from './conversation.ts'
import { list, type Members, members } from './members.ts'
import type { Json } from './raw.ts'

/** Citations of one answer: what an upstream tells beyond is left out. */
export const mostCitations = 512

/** The citations of addresses among annotations; what cites files of a provider is passed over. */
export function readAnnotations(values: unknown, before = 0): readonly Citation[] {
  return list(values).flatMap(value => {
    const annotation = members(value)
    if (annotation.type !== 'url_citation') return []
    // Chat has a member for them, Responses has their members beside the type.
    const { url, title, start_index, end_index }: Members = annotation.url_citation
      ? members(annotation.url_citation)
      : annotation
    if (typeof url !== 'string') return []
    return [
      {
        url,
        ...(typeof title === 'string' && { title }),
        ...(typeof start_index === 'number' && { start: start_index + before }),
        ...(typeof end_index === 'number' && { end: end_index + before }),
      },
    ]
  })
}

export function writeChatAnnotation(citation: Citation): Json {
  return { type: 'url_citation', url_citation: writeMembers(citation, 0) }
}

/** `before`: characters of the answer before the part that it stands in. */
export function writeAnnotation(citation: Citation, before: number): Json {
  return { type: 'url_citation', ...writeMembers(citation, before) }
}

function writeMembers({ url, title, start, end }: Citation, before: number): Readonly<Record<string, Json>> {
  return {
    start_index: start === undefined ? undefined : start - before,
    end_index: end === undefined ? undefined : end - before,
    url,
    title,
  }
}

/** Counts the characters of an answer's text while its parts are read. */
export class TextPlace {
  /** Characters before the part that is being read. */
  before = 0
  /** Characters so far. */
  all = 0

  /** Another part begins. */
  begin(): void {
    this.before = this.all
  }

  say(text: string): void {
    this.all += lengthOf(text)
  }
}
