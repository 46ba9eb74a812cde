// What the tests of guardrails share: rules in one line, and a checker and a webhook that say what they are told.
import type { Conversation, Delta, Part, Turn } from '@switchyard/dialects'
import { expect } from 'vitest'
import {
  type Checker,
  compileGuards,
  type GuardContext,
  type GuardRule,
  guardTexts,
  responseGuard,
  type TextsVerdict,
} from '../src/guard/index.ts'

export const nobody: Checker = {
  find: () => Promise.reject(new Error('no pattern was expected to run')),
  fits: () => Promise.reject(new Error('no schema was expected to run')),
}

export function context(more: Partial<GuardContext> = {}): GuardContext {
  return {
    model: 'm',
    requestId: 'r',
    checker: nobody,
    send: () => Promise.reject(new Error('no webhook was expected')),
    ...more,
  }
}

type Loose<T> = T extends unknown
  ? Omit<T, 'name' | 'stage' | 'action' | 'onFailure'> &
      Partial<Pick<GuardRule, 'name' | 'stage' | 'action' | 'onFailure'>>
  : never

export function rule(given: Loose<GuardRule>): GuardRule {
  return { name: given.kind, stage: 'both', action: 'redact', onFailure: 'closed', ...given } as GuardRule // its kind's fields are there
}

export function conversation(turns: readonly Turn[], more: Partial<Conversation> = {}): Conversation {
  return {
    dialect: 'openai',
    model: 'm',
    turns,
    tools: [],
    stop: [],
    sampling: {},
    stream: { on: false, usage: false },
    rest: {},
    ...more,
  }
}

export const user = (...parts: readonly Part[]): Turn => ({ role: 'user', parts })
export const text = (said: string): Part => ({ type: 'text', text: said })

/** The verdict on one text, which needs no waiting. */
export function judged(rules: readonly GuardRule[], said: string): TextsVerdict {
  const verdict = guardTexts([said], compileGuards(rules), context())
  if (verdict instanceof Promise) throw new Error('nothing was to be waited for')
  return verdict
}

export const redacted = (rules: readonly GuardRule[], said: string): string =>
  judged(rules, said).texts[0] ?? ''

export interface Heard {
  readonly deltas: readonly Delta[]
  readonly text: string
  readonly blocked: string | undefined
  readonly findings: unknown
}

/** What a caller hears of a reply. */
export async function heard(
  rules: readonly GuardRule[],
  batches: readonly (readonly Delta[])[],
  more: Partial<GuardContext> = {},
): Promise<Heard> {
  const guard = responseGuard(compileGuards(rules), context(more))
  const deltas: Delta[] = []
  for (const batch of batches) deltas.push(...(await guard.push(batch)))
  deltas.push(...(await guard.finish()))
  return { deltas, text: said(deltas), blocked: guard.blocked?.rule, findings: guard.findings }
}

export function said(deltas: readonly Delta[]): string {
  return deltas.map(delta => (delta.type === 'text' || delta.type === 'reasoning' ? delta.text : '')).join('')
}

/** One text block said in pieces, as a whole reply. */
export function reply(pieces: readonly string[]): readonly Delta[] {
  return [
    { choice: 0, type: 'start' },
    { choice: 0, type: 'open', block: 0, kind: 'text' },
    ...pieces.map((piece): Delta => ({ choice: 0, type: 'text', block: 0, text: piece })),
    { choice: 0, type: 'close', block: 0 },
    { choice: 0, type: 'finish', stop: 'end' },
    { choice: 0, type: 'end' },
  ]
}

/** Every block is opened before it speaks and closed once, every choice that began ends once. */
export function expectLegal(deltas: readonly Delta[]): void {
  const open = new Set<string>()
  const begun = new Set<number>()
  const finished = new Set<number>()
  for (const delta of deltas) {
    if (delta.type === 'usage' || delta.type === 'end' || delta.type === 'fault') continue
    begun.add(delta.choice)
    if (delta.type === 'start') continue
    expect(finished.has(delta.choice)).toBe(false)
    if (delta.type === 'finish') {
      finished.add(delta.choice)
      expect([...open].filter(key => key.startsWith(`${delta.choice}:`))).toEqual([])
      continue
    }
    const key = `${delta.choice}:${delta.block}`
    expect(open.has(key)).toBe(delta.type !== 'open')
    if (delta.type === 'open') open.add(key)
    else if (delta.type === 'close') open.delete(key)
  }
  expect([...open]).toEqual([])
  expect(finished).toEqual(begun)
}
