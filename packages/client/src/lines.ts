// A byte stream as lines of text.
/** Longest line that is kept, characters: a document is at most 1 MiB, twice that for a frame around it. */
const longest = 16 * 1024 * 1024

/** Yields each line without its end; a last line without an end is yielded too unless `whole`. The body ends with it. */
export async function* lines(
  body: AsyncIterable<Uint8Array>,
  { whole = false } = {},
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
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
}
