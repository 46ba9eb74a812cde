// Reads engine records: which arguments a version knows, whether values fit, and the argv that they become.
import type { Detail, engine } from '@switchyard/kinds'
import { z } from 'zod'
import { findVersion, knows } from './versions.ts'

export { findVersion }

export type EngineSpecInput = z.input<typeof engine.spec>
export type EngineSpec = z.output<typeof engine.spec>
type Argument = EngineSpec['arguments'][string]

/** An Engine document of the platform, as data. */
export interface EngineRow {
  readonly name: string
  readonly displayName: string
  readonly description: string
  readonly spec: EngineSpecInput
}

/** JSON Schema 2020-12 of what an Endpoint may set for this version. */
export function argumentsSchema(spec: EngineSpec, version: string): Record<string, unknown> {
  const rows = Object.entries(spec.arguments).filter(([, row]) => !row.managed && knows(row, version))
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      rows.map(([name, row]) => [name, row.doc ? { description: row.doc, ...row.schema } : row.schema]),
    ),
  }
}

/** Everything wrong with an Endpoint's arguments, each with its path; empty when they may be used. */
export function checkArguments(
  spec: EngineSpec,
  version: string,
  values: Readonly<Record<string, unknown>>,
  path = 'spec.arguments',
): readonly Detail[] {
  return Object.entries(values).flatMap(([name, value]): Detail[] => {
    const at = `${path}.${name}`
    const row = Object.hasOwn(spec.arguments, name) ? spec.arguments[name] : undefined
    if (!row) {
      const known = Object.entries(spec.arguments).filter(([, each]) => !each.managed && knows(each, version))
      const names = known.map(([known]) => known).join(', ')
      return [
        {
          path: at,
          rule: 'unknown_argument',
          message: `Version ${version} has no argument ${name}; it has ${names}.`,
        },
      ]
    }
    if (row.managed)
      return [
        {
          path: at,
          rule: 'managed_argument',
          message: `${name} is set by Switchyard. ${row.doc ?? 'Leave it out.'}`,
        },
      ]
    if (!knows(row, version)) {
      const range = [row.since && `since ${row.since}`, row.until && `until ${row.until}`]
        .filter(Boolean)
        .join(', ')
      return [
        { path: at, rule: 'not_in_version', message: `${name} exists ${range}, and this is ${version}.` },
      ]
    }
    const checked = schemaOf(row).safeParse(value)
    if (checked.success) return []
    return checked.error.issues.map(issue => ({
      path: [at, ...issue.path.map(String)].join('.'),
      rule: issue.code,
      message: issue.message,
    }))
  })
}

const schemas = new WeakMap<Argument, z.ZodType>()

function schemaOf(row: Argument): z.ZodType {
  const known = schemas.get(row)
  if (known) return known
  const made = readSchema(row)
  schemas.set(row, made)
  return made
}

/** An engine that a person wrote may carry a schema that is none: then its argument says so, whatever its value. */
function readSchema({ schema }: Argument): z.ZodType {
  try {
    return z.fromJSONSchema(schema)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return z.never({ error: `The engine's own schema of this argument cannot be read: ${why}` })
  }
}

/** argv elements of one argument; every value is whole elements, whatever characters it has. */
export function renderArgument({ flag, style }: Pick<Argument, 'flag' | 'style'>, value: unknown): string[] {
  if (value === false || value === null) return []
  if (value === true) return [flag]
  const items = Array.isArray(value) ? value : [value]
  switch (style) {
    case 'flag':
      return Array.isArray(value) ? [flag, ...items.map(word)] : [flag, word(value)]
    case 'equals':
      return [`${flag}=${items.map(word).join(',')}`]
    case 'repeat':
      return items.flatMap(item => [flag, word(item)])
    case 'comma':
      return [flag, items.map(word).join(',')]
    case 'json':
      return [flag, JSON.stringify(value)]
  }
}

/** argv elements of an Endpoint's arguments, in the order of the record. Check them first. */
export function renderArgs(
  spec: EngineSpec,
  version: string,
  values: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(spec.arguments).flatMap(([name, row]) =>
    Object.hasOwn(values, name) && !row.managed && knows(row, version)
      ? renderArgument(row, values[name])
      : [],
  )
}

const word = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

export interface Placeholders {
  readonly binary: string
  readonly model: string
  readonly name: string
  readonly context: string
  readonly sequences: string
  /** Absent leaves the engine its own choice: the element and the flag before it go. */
  readonly threads?: string
}

/** The whole argv; `{host}` and `{port}` stay for the replica. Only whole elements are replaced. */
export function renderCommand(
  spec: EngineSpec,
  version: string,
  values: Readonly<Record<string, unknown>>,
  placeholders: Placeholders,
  extra: readonly string[] = [],
): string[] {
  const known: Readonly<Record<string, string | undefined>> = { ...placeholders }
  const command: string[] = []
  for (const element of spec.start.command) {
    const name = /^\{(binary|model|name|context|sequences|threads)\}$/.exec(element)?.[1]
    if (name === undefined) command.push(element)
    else if (known[name] !== undefined) command.push(known[name])
    else if (command.at(-1)?.startsWith('-')) command.pop()
  }
  return [...command, ...renderArgs(spec, version, values), ...extra]
}

const denied =
  /^(LD_.*|DYLD_.*|PATH|SWITCHYARD_.*|NODE_.*|.*_VISIBLE_DEVICES|(NVIDIA|CUDA|ROCR|HIP|ASCEND_RT|ZE)_.*(VISIBLE|AFFINITY).*)$/i

/** Names that an Endpoint may not set: they decide which code runs, or on which device. */
export const isDeniedEnvironment = (name: string): boolean => denied.test(name)
