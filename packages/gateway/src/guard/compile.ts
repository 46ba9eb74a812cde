// Rules made ready once, when a snapshot is compiled: one automaton for all words, one table for all personal data.
import { Fault, type PiiType } from '@switchyard/kinds'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { fold } from './fold.ts'
import { injectionRows, thresholds } from './injection.ts'
import { type PiiRow, piiTable } from './pii/index.ts'
import type { Action, GuardRule } from './rule.ts'
import { schemaOptions } from './schema.ts'
import { Words } from './words.ts'

export interface CompiledRule {
  readonly name: string
  readonly kind: GuardRule['kind']
  readonly action: Action
  readonly onFailure: 'closed' | 'open'
  readonly mark: string
  /** Of an injection rule. */
  readonly threshold: number
}

/** What a word is part of: a keyword rule, or one half of an injection row. */
export type Use = { readonly rule: number } | { readonly row: number; readonly half: 'first' | 'second' }

/** The rules of one stage. Numbers are places in `rules`. */
export interface Side {
  readonly rules: readonly CompiledRule[]
  /** A rule asks a thread or a webhook: results are promises. Without one, replies are always guarded at once. */
  readonly waits: boolean
  readonly words: Words | undefined
  readonly uses: readonly (readonly Use[])[]
  readonly pii: readonly (readonly PiiRow[] | undefined)[] | undefined
  readonly piiRules: ReadonlyMap<PiiType, readonly number[]>
  readonly injections: readonly number[]
  readonly patterns: readonly { readonly rule: number; readonly patterns: readonly string[] }[]
  readonly schemas: readonly { readonly rule: number; readonly schema: string }[]
  readonly webhooks: readonly {
    readonly rule: number
    readonly hook: Extract<GuardRule, { kind: 'webhook' }>
  }[]
}

export interface Guards {
  readonly request: Side
  readonly response: Side
}

const wordUnits = 256
const schemaUnits = 65_536

/** Throws `invalid`, naming the rule, for what can never work. */
export function compileGuards(rules: readonly GuardRule[]): Guards {
  for (const rule of rules) refuseUseless(rule)
  return Object.freeze({
    request: compileSide(rules.filter(({ stage }) => stage !== 'response')),
    response: compileSide(rules.filter(({ stage }) => stage !== 'request')),
  })
}

function compileSide(rules: readonly GuardRule[]): Side {
  const uses = new Map<string, Use[]>()
  const use = (word: string, of: Use) => {
    const text = fold(word)
    const known = uses.get(text)
    if (known) known.push(of)
    else uses.set(text, [of])
  }
  const piiRules = new Map<PiiType, number[]>()
  const injections: number[] = []
  const patterns: Side['patterns'][number][] = []
  const schemas: Side['schemas'][number][] = []
  const webhooks: Side['webhooks'][number][] = []
  rules.forEach((rule, index) => {
    if (rule.kind === 'keyword') for (const word of new Set(rule.words.map(fold))) use(word, { rule: index })
    else if (rule.kind === 'pattern') patterns.push({ rule: index, patterns: rule.patterns })
    else if (rule.kind === 'pii')
      for (const type of new Set(rule.types)) piiRules.set(type, [...(piiRules.get(type) ?? []), index])
    else if (rule.kind === 'injection') injections.push(index)
    else if (rule.kind === 'schema') schemas.push({ rule: index, schema: JSON.stringify(rule.schema) })
    else webhooks.push({ rule: index, hook: rule })
  })
  if (injections.length > 0)
    injectionRows.forEach(({ first, second = [] }, row) => {
      for (const word of first) use(word, { row, half: 'first' })
      for (const word of second) use(word, { row, half: 'second' })
    })
  return Object.freeze({
    rules: Object.freeze(rules.map(compileRule)),
    waits: patterns.length + schemas.length + webhooks.length > 0,
    words: uses.size > 0 ? new Words([...uses.keys()]) : undefined,
    uses: Object.freeze([...uses.values()]),
    pii: piiRules.size > 0 ? piiTable(new Set(piiRules.keys())) : undefined,
    piiRules,
    injections: Object.freeze(injections),
    patterns: Object.freeze(patterns),
    schemas: Object.freeze(schemas),
    webhooks: Object.freeze(webhooks),
  })
}

function compileRule(rule: GuardRule): CompiledRule {
  const { name, kind, action, onFailure } = rule
  const threshold = rule.kind === 'injection' ? thresholds[rule.sensitivity] : 0
  // Personal data is marked by its type: '' says so.
  const mark = rule.mark ?? (kind === 'pii' ? '' : `[REDACTED:${kind}]`)
  return Object.freeze({ name, kind, action, onFailure, mark, threshold })
}

function refuseUseless(rule: GuardRule): void {
  const refuse = (message: string) => {
    throw new Fault('invalid', `The guardrail ${rule.name} ${message}`, { reason: 'invalid_guardrail' })
  }
  if ((rule.kind === 'schema' || rule.kind === 'injection') && rule.action === 'redact')
    refuse(`cannot redact: ${rule.kind} finds no single span of the text. Choose block or flag.`)
  if (rule.kind === 'schema' && rule.stage === 'request')
    refuse('never acts: a schema is of the answer. Choose the stage response.')
  if (rule.kind === 'keyword')
    for (const word of rule.words) {
      const length = fold(word).length
      if (length === 0 || length > wordUnits)
        refuse(`has a word of ${length} characters that can be seen: write 1 to ${wordUnits}.`)
    }
  if (rule.kind === 'pattern')
    for (const pattern of rule.patterns)
      try {
        if (new RegExp(pattern, 'iu').test(''))
          refuse(`has a pattern that matches the empty text: ${pattern}`)
      } catch (error) {
        if (error instanceof Fault) throw error
        refuse(`has a pattern that JavaScript cannot read with the flags iu: ${pattern}`)
      }
  if (rule.kind === 'schema') refuseSchema(rule.schema, refuse)
}

function refuseSchema(schema: Readonly<Record<string, unknown>>, refuse: (message: string) => void): void {
  if (schema.$async === true) refuse('has a schema with $async: an answer is checked at once.')
  if (JSON.stringify(schema).length > schemaUnits)
    refuse(`has a schema longer than ${schemaUnits} characters.`)
  try {
    new Ajv2020(schemaOptions).compile(schema)
  } catch (error) {
    refuse(
      `has no JSON Schema 2020-12 that can be used: ${error instanceof Error ? error.message : 'unknown'}`,
    )
  }
}
