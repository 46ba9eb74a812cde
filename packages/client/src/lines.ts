// A byte stream as lines of text.
import type { Readable } from 'node:stream'

/** Longest line that is kept, characters: a document is at most 1 MiB, twice that for a frame around it. */
const longest = 16 * 1024 * 1024

/** Yields each line without its end; a last line without an end is yielded too unless `whole`. */
export async function* lines(body: Readable, { whole = false } = {}): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      rest += decoder.decode(chunk, { stream: true })
      let start = 0
      for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n', start)) {
        yield rest.slice(start, rest[end - 1] === '\r' ? end - 1 : end)
        start = end + 1
      }
      rest = rest.slice(start)
      if (rest.length > longest) throw new RangeError('A line of the answer is longer than 16 MiB.')
    }
    if (rest !== '' && !whole) yield rest
  } finally {
    body.destroy()
  }
}
