// Label and field selectors: text in Kubernetes' syntax to requirements, and whether a document meets them.
import type { Document, Kind } from '@switchyard/kinds'
import { Fault } from '@switchyard/kinds/fault'
import type { Requirement } from '@switchyard/runtime'
import { isObject } from './merge-patch.ts'

const key = String.raw`(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?`
const keyPattern = new RegExp(`^${key}$`)
const setPattern = new RegExp(String.raw`^(${key})\s+(in|notin)\s*\(([^()]*)\)$`)
const equalPattern = new RegExp(String.raw`^(${key})\s*(==|=|!=)\s*([A-Za-z0-9._-]*)$`)
const valuePattern = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/

/** `app=chat,tier in (a, b),!old`: the comma is "and". `!=` and `notin` also match where the key is absent. */
export function parseLabelSelector(text: string): readonly Requirement[] {
  return splitOutsideParentheses(text).map(part => {
    if (part.startsWith('!') && keyPattern.test(part.slice(1).trim()))
      return { key: part.slice(1).trim(), operator: 'absent', values: [] }
    if (keyPattern.test(part)) return { key: part, operator: 'exists', values: [] }
    const set = setPattern.exec(part)
    if (set) return labelRequirement(set[1]!, set[2] === 'in' ? 'in' : 'notin', set[3]!.split(','))
    const equal = equalPattern.exec(part)
    if (equal) return labelRequirement(equal[1]!, equal[2] === '!=' ? 'notin' : 'in', [equal[3]!])
    throw bad(
      'labelSelector',
      `"${part}" is not a requirement; use key=value, key!=value, key in (a,b), key notin (a), key or !key.`,
    )
  })
}

function labelRequirement(name: string, operator: 'in' | 'notin', given: readonly string[]): Requirement {
  const values = given.map(value => value.trim())
  const wrong = values.find(value => !valuePattern.test(value))
  if (wrong !== undefined) throw bad('labelSelector', `"${wrong}" is not a label value.`)
  return { key: name, operator, values }
}

/** Paths that every kind can be selected by, besides its own declared fields. */
const commonFields = ['metadata.name', 'metadata.workspace', 'metadata.project'] as const

/** `spec.paused=false,status.phase!=Ready`: only `=`, `==` and `!=`, only fields that the kind declares. */
export function parseFieldSelector(text: string, kind: Kind): readonly Requirement[] {
  const known = [...commonFields, ...kind.fields]
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(part => {
      const [, path, sign, value] = /^([A-Za-z][A-Za-z0-9.]*)\s*(==|=|!=)\s*(.*)$/.exec(part) ?? []
      if (path === undefined || value === undefined)
        throw bad('fieldSelector', `"${part}" is not a requirement; use path=value or path!=value.`)
      if (!known.includes(path))
        throw bad(
          'fieldSelector',
          `${kind.kind} cannot be selected by ${path}; use one of ${known.join(', ')}.`,
        )
      return { key: path, operator: sign === '!=' ? 'notin' : 'in', values: [value] }
    })
}

function splitOutsideParentheses(text: string): readonly string[] {
  const parts: string[] = []
  let depth = 0
  let part = ''
  for (const character of text) {
    if (character === '(') depth++
    if (character === ')') depth--
    if (character === ',' && depth === 0) {
      parts.push(part.trim())
      part = ''
    } else part += character
  }
  parts.push(part.trim())
  // An empty selector selects everything; an empty part of one is a slip.
  if (parts.length === 1 && parts[0] === '') return []
  return parts
}

function bad(path: string, message: string): Fault {
  return new Fault('invalid', message, {
    reason: 'bad_selector',
    details: [{ path, rule: 'selector', message }],
  })
}

function meets({ operator, values }: Requirement, value: string | undefined): boolean {
  if (operator === 'exists') return value !== undefined
  if (operator === 'absent') return value === undefined
  const member = value !== undefined && values.includes(value)
  return operator === 'in' ? member : !member
}

/** The value at a dotted path; undefined when any step is absent. */
export function valueAt(document: unknown, path: string): unknown {
  let value = document
  for (const step of path.split('.')) value = isObject(value) ? value[step] : undefined
  return value
}

function textAt(document: unknown, path: string): string | undefined {
  const value = valueAt(document, path)
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export interface Selection {
  readonly workspace?: string | null
  readonly labels: readonly Requirement[]
  readonly fields: readonly Requirement[]
  readonly q?: string
}

/** Whether a document is in the selection: the same question that the store answers in SQL for a list. */
export function selects({ workspace, labels, fields, q }: Selection, document: Document): boolean {
  const { metadata } = document
  if (workspace !== undefined && metadata.workspace !== workspace) return false
  if (q !== undefined) {
    const wanted = q.toLowerCase()
    const names = [metadata.name, metadata.displayName ?? '']
    if (!names.some(name => name.toLowerCase().includes(wanted))) return false
  }
  return (
    labels.every(requirement => meets(requirement, metadata.labels[requirement.key])) &&
    fields.every(requirement => meets(requirement, textAt(document, requirement.key)))
  )
}
