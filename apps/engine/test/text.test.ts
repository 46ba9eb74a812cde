import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StopWatch, TextStream } from '../src/text.ts'

/** A tokenizer whose tokens are bytes. */
const bytes = (tokens: readonly number[], before: readonly number[]) => {
  const head = Buffer.from(before).toString('utf8')
  return Buffer.from([...before, ...tokens])
    .toString('utf8')
    .slice(head.length)
}

const stream = (tokens: readonly number[]) => {
  const text = new TextStream(bytes, [])
  return tokens.map(token => text.push(token))
}

describe('text from tokens', () => {
  test('a character over several tokens comes out once, whole', () => {
    expect(stream([...Buffer.from('a世😀')])).toEqual(['a', '', '', '世', '', '', '', '😀'])
  })

  test('any text comes out as it was, and no piece ends inside a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), text => {
        fc.pre(!text.includes('\uFFFD'))
        const pieces = stream([...Buffer.from(text)])
        expect(pieces.join('')).toBe(text)
        expect(pieces.some(piece => piece.includes('\uFFFD'))).toBe(false)
        expect(pieces.every(piece => piece.isWellFormed())).toBe(true)
      }),
    )
  })

  test('bytes that are no text come out as replacements, and what follows is intact', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), noise => {
        const all = stream([...noise, ...Buffer.from(' end')]).join('')
        expect(all).toBe(Buffer.from([...noise, ...Buffer.from(' end')]).toString('utf8'))
      }),
    )
  })

  test('an unfinished character at the end is not said', () => {
    expect(stream([...Buffer.from('ok😀')].slice(0, -1)).join('')).toBe('ok')
  })
})

describe('stop strings', () => {
  const watchAll = (pieces: readonly string[], stops: readonly string[]) => {
    const watch = new StopWatch(stops)
    let said = ''
    for (const piece of pieces) {
      const heard = watch.push(piece)
      said += heard.text
      if (heard.stopped) return said
    }
    return said + watch.rest()
  }

  test('one that is spread over pieces ends the text before it', () => {
    expect(watchAll(['Hello, E', 'N', 'D of it'], ['END'])).toBe('Hello, ')
  })

  test('a beginning that goes on otherwise is said after all', () => {
    expect(watchAll(['a E', 'N', 'ough'], ['END'])).toBe('a ENough')
    expect(watchAll(['a EN'], ['END'])).toBe('a EN')
  })

  test('however the text is cut, it ends at the first stop string', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 12 }), letters, (pieces, stop) => {
        const text = pieces.join('')
        const at = text.indexOf(stop)
        expect(watchAll(pieces, [stop])).toBe(at < 0 ? text : text.slice(0, at))
      }),
    )
  })
})
