// Characters as dialects count them: code points, of which a pair of surrogates is one.

/** Characters of a text. */
export function lengthOf(text: string): number {
  let length = text.length
  for (let at = 1; at < text.length; at++)
    if ((text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800) length--
  return length
}
