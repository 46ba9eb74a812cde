// Byte-level BPE as GPT-2 defines it: learns a vocabulary from text and encodes exactly as llama.cpp
// does for `tokenizer.ggml.model = gpt2`, `tokenizer.ggml.pre = gpt-2`.

/** Control tokens; their index is their id. */
export const specials = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|pad|>'] as const
export const endOfText = 0
export const turnStart = 1
export const turnEnd = 2
export const padding = 3

/** Tokens in GPT-2's printable alphabet (a space is `Ġ`), in id order; merges by rank. */
export interface Vocabulary {
  readonly tokens: readonly string[]
  readonly merges: readonly (readonly [string, string])[]
}

export interface Tokenizer {
  readonly vocabulary: Vocabulary
  /** Control tokens written in the text become their ids. */
  readonly encode: (text: string) => number[]
  /** Control tokens are left out unless `special` is set. */
  readonly decode: (ids: readonly number[], special?: boolean) => string
}

const words = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu
const control = /(<\|endoftext\|>|<\|im_start\|>|<\|im_end\|>|<\|pad\|>)/
const digit = /\p{N}/u

/** GPT-2's bytes_to_unicode: printable Latin-1 stands for itself, the other bytes from U+0100 up. */
const alphabet: readonly string[] = (() => {
  let spare = 256
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255)
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : spare++))
})()
const byteOf = new Map(alphabet.map((character, byte) => [character, byte]))
const utf8 = new TextEncoder()
const spell = (word: string) => Array.from(utf8.encode(word), byte => alphabet[byte] ?? '')

/** The 256 bytes and the control tokens, without any merge. */
export const bytesOnly: Vocabulary = { tokens: [...specials, ...alphabet], merges: [] }

/** Adds a merge's token to a vocabulary. */
function extend(vocabulary: Vocabulary, left: string, right: string): Vocabulary {
  return { tokens: [...vocabulary.tokens, left + right], merges: [...vocabulary.merges, [left, right]] }
}

/**
 * Learns merges, the most frequent pair first (ties: the smaller ids), until `size` tokens exist or no
 * pair occurs twice. Digits never merge: a number is read one digit at a time.
 */
export function learn(texts: Iterable<string>, size: number): Vocabulary {
  const counts = new Map<string, number>()
  for (const text of texts)
    for (const part of text.split(control))
      if (!control.test(part))
        for (const word of part.match(words) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1)

  let vocabulary = bytesOnly
  const id = new Map(vocabulary.tokens.map((token, index) => [token, index]))
  const spelled = [...counts].map(([word, count]) => ({
    count,
    ids: spell(word).map(character => id.get(character) ?? 0),
  }))

  while (vocabulary.tokens.length < size) {
    const pairs = new Map<number, number>()
    for (const { ids, count } of spelled)
      for (let i = 1; i < ids.length; i++) {
        const pair = (ids[i - 1] ?? 0) * 65536 + (ids[i] ?? 0)
        pairs.set(pair, (pairs.get(pair) ?? 0) + count)
      }
    let best = -1
    let most = 1
    for (const [pair, count] of pairs) {
      if (count < most || (count === most && (best < 0 || pair > best))) continue
      const text = (vocabulary.tokens[pair >>> 16] ?? '') + (vocabulary.tokens[pair & 65535] ?? '')
      if (digit.test(text)) continue
      best = pair
      most = count
    }
    if (best < 0 || most < 2) break
    const left = best >>> 16
    const right = best & 65535
    const made = vocabulary.tokens.length
    vocabulary = extend(vocabulary, vocabulary.tokens[left] ?? '', vocabulary.tokens[right] ?? '')
    for (const word of spelled) if (word.ids.length > 1) word.ids = join(word.ids, left, right, made)
  }
  return vocabulary
}

function join(ids: readonly number[], left: number, right: number, made: number): number[] {
  const joined: number[] = []
  for (let i = 0; i < ids.length; i++) {
    const at = ids[i] ?? 0
    if (at === left && ids[i + 1] === right) {
      joined.push(made)
      i++
    } else joined.push(at)
  }
  return joined
}

export function tokenizer(vocabulary: Vocabulary): Tokenizer {
  const id = new Map(vocabulary.tokens.map((token, index) => [token, index]))
  const rank = new Map(vocabulary.merges.map(([left, right], index) => [`${left} ${right}`, index]))
  const known = new Map<string, readonly number[]>()

  const merge = (word: string): readonly number[] => {
    let parts = spell(word)
    for (;;) {
      let lowest = Number.POSITIVE_INFINITY
      let at = -1
      for (let i = 1; i < parts.length; i++) {
        const found = rank.get(`${parts[i - 1]} ${parts[i]}`) ?? Number.POSITIVE_INFINITY
        if (found < lowest) {
          lowest = found
          at = i
        }
      }
      if (at < 0) return parts.map(part => id.get(part) ?? endOfText)
      parts = [...parts.slice(0, at - 1), `${parts[at - 1]}${parts[at]}`, ...parts.slice(at + 1)]
    }
  }
  const encodeWord = (word: string) => {
    const found = known.get(word) ?? merge(word)
    known.set(word, found)
    return found
  }

  return {
    vocabulary,
    encode: text =>
      text
        .split(control)
        .flatMap(part =>
          control.test(part) ? [id.get(part) ?? endOfText] : (part.match(words) ?? []).flatMap(encodeWord),
        ),
    decode: (ids, special = false) => {
      const bytes: number[] = []
      for (const token of ids) {
        const text = vocabulary.tokens[token] ?? ''
        if (token >= specials.length) for (const character of text) bytes.push(byteOf.get(character) ?? 0)
        else if (special) bytes.push(...utf8.encode(text))
      }
      return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))
    },
  }
}
