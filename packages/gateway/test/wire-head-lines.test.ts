import { describe, expect, test } from 'vitest'
import { HeadLines } from '../src/wire/head-lines.ts'

describe('lines of a head', () => {
  test('are written with their ends, the same again and others as they come', () => {
    const lines = new HeadLines()
    expect(lines.of('x-a', '1')).toBe('x-a: 1\r\n')
    expect(lines.of('x-a', '1')).toBe('x-a: 1\r\n')
    expect(lines.of('x-a', '')).toBe('x-a: \r\n')
    expect(lines.of('x-b', '1')).toBe('x-b: 1\r\n')
    // Beyond what is remembered of one name, and of all of them.
    for (let i = 0; i < 40; i++) expect(lines.of('x-a', `${i}`)).toBe(`x-a: ${i}\r\n`)
    expect(lines.of('x-a', '7')).toBe('x-a: 7\r\n')
    expect(lines.of('x-a', '7')).toBe('x-a: 7\r\n')
    for (let i = 0; i < 600; i++) expect(lines.of(`x-${i % 300}`, 'v')).toBe(`x-${i % 300}: v\r\n`)
    const long = 'v'.repeat(1000)
    for (let i = 0; i < 3; i++) expect(lines.of('x-long', long)).toBe(`x-long: ${long}\r\n`)
  })

  test('refuse each time what a header cannot have, whatever was remembered before', () => {
    const lines = new HeadLines()
    lines.of('x-a', 'good')
    for (const bad of ['a\r\nset-cookie: b', 'a\nb', 'a\0', '\u4e2d', '\x7f'])
      for (let i = 0; i < 3; i++) expect(() => lines.of('x-a', bad)).toThrow('x-a')
    expect(lines.of('x-a', 'good')).toBe('x-a: good\r\n')
  })
})
