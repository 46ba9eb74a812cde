// What kinds say of themselves, in the language of the person: documents come in English, and Chinese for it stands in
// `zh/`, which is loaded when Chinese is spoken. What has no Chinese there is said in English.
import { useMemo, useSyncExternalStore } from 'react'
import { usePreferences } from '../preferences.ts'
import type { Language } from '../words/index.ts'

type Words = Readonly<Record<string, string>>

/** Each by what the server says. */
export interface Sayings {
  /** Sentences: docs of kinds and actions, descriptions of fields, help of arguments, fixed messages. */
  readonly texts: Words
  /** Titles of columns. */
  readonly columns: Words
  readonly phases: Words
  /** Types of conditions. */
  readonly conditions: Words
  /** Of conditions and events. */
  readonly reasons: Words
  /** Names of fields: `drainSeconds`. */
  readonly fields: Words
  /** What was refused, by the reason or the code of the server. */
  readonly refusals: Words
  /** What to do about it, by code. */
  readonly advice: Words
  /** What is wrong with a field, by the rule that it breaks. */
  readonly rules: Words
  /** Of checks of the doctor, by name. */
  readonly asserts: Words
  readonly todos: Words
}

/** A refusal in words other than the server's own. */
export interface Refused {
  readonly title: string
  readonly advice: string
}

export interface Said {
  text(english: string): string
  column(title: string): string
  phase(phase: string): string
  condition(type: string): string
  reason(reason: string): string
  /** Undefined where the server's own words are of this language. */
  refusal(fault: { readonly code: string; readonly reason: string }): Refused | undefined
  rule(rule: string): string | undefined
  /** Of a check, or what the server says of it. */
  check(name: string, part: 'asserts' | 'todos', otherwise: string): string
  /** The name of a field as a label: `Drain seconds` of `drainSeconds`. */
  field(name: string): string
}

let chinese: Sayings | undefined
const listeners = new Set<() => void>()

/** Known from here on: awaited before the first screen where it is in Chinese. */
export async function learnChinese(): Promise<void> {
  if (chinese) return
  ;({ chinese } = await import('./zh/index.ts'))
  for (const listener of listeners) listener()
}

const raised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** `Base URL` of `BASE URL`. */
const quiet = (title: string) =>
  raised(
    title
      .toLowerCase()
      .replace(/\burl(s?)\b/g, 'URL$1')
      .replace(/\b(id|api|mcp)\b/g, word => word.toUpperCase()),
  )

/** `Drain seconds` of `drainSeconds`, `Base URL` of `baseUrl`. */
const spaced = (name: string) => quiet(name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll(/[_-]/g, ' '))

const english: Said = {
  text: text => text,
  column: quiet,
  phase: phase => phase,
  condition: type => type,
  reason: reason => reason,
  field: spaced,
  refusal: () => undefined,
  rule: () => undefined,
  check: (_, __, otherwise) => otherwise,
}

/** `Object.hasOwn`: what is looked up are names from documents, such as `constructor`. */
const by = (words: Words, otherwise: (key: string) => string) => (key: string) =>
  Object.hasOwn(words, key) ? (words[key] ?? key) : otherwise(key)

export const saidBy = (sayings: Sayings): Said => ({
  text: by(sayings.texts, english.text),
  column: by(sayings.columns, english.column),
  phase: by(sayings.phases, english.phase),
  condition: by(sayings.conditions, english.condition),
  reason: by(sayings.reasons, english.reason),
  field: by(sayings.fields, english.field),
  refusal: ({ code, reason }) => ({
    title: by(sayings.refusals, () => sayings.refusals[code] ?? code)(reason),
    advice: sayings.advice[code] ?? '',
  }),
  rule: rule => (Object.hasOwn(sayings.rules, rule) ? sayings.rules[rule] : undefined),
  check: (name, part, otherwise) => by(sayings[part], () => otherwise)(name),
})

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

const saidIn = (language: Language, sayings: Sayings | undefined): Said =>
  language === 'zh' && sayings ? saidBy(sayings) : english

/** In the language that is spoken now. */
export function useSaid(): Said {
  const { language } = usePreferences()
  const sayings = useSyncExternalStore(subscribe, () => chinese)
  return useMemo(() => saidIn(language, sayings), [language, sayings])
}
