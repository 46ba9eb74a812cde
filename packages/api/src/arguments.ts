// Engine arguments as the engine's own record allows them: by version, by JSON Schema, and not the managed ones.
import type { Detail, DocumentOf, engine } from '@switchyard/kinds'
import { z } from 'zod'
import { issueDetails } from './invalid.ts'

type Engine = DocumentOf<typeof engine>
type Argument = Engine['spec']['arguments'][string]

/** Dotted versions by their numbers: 1.10 is after 1.9; a part that is no number compares as text. */
export function compareVersions(a: string, b: string): number {
  const left = a.replace(/^[vb](?=\d)/, '').split(/[.+-]/)
  const right = b.replace(/^[vb](?=\d)/, '').split(/[.+-]/)
  for (let place = 0; place < Math.max(left.length, right.length); place++) {
    const [one = '0', other = '0'] = [left[place], right[place]]
    const numeric = /^\d+$/.test(one) && /^\d+$/.test(other)
    const order = numeric ? Number(one) - Number(other) : one.localeCompare(other)
    if (order !== 0) return order
  }
  return 0
}

/** The version that an endpoint gets: the one it names, or the first supported. */
export function versionOf(engine: Engine, named: string | undefined): string | undefined {
  const { versions } = engine.spec
  if (named !== undefined) return versions.find(({ version }) => version === named)?.version
  return (versions.find(({ state }) => state === 'supported') ?? versions[0])?.version
}

function rangeProblem({ since, until }: Argument, version: string): string | undefined {
  if (since !== undefined && compareVersions(version, since) < 0)
    return `is known since version ${since}, and this is ${version}`
  if (until !== undefined && compareVersions(version, until) > 0)
    return `is known until version ${until}, and this is ${version}`
  return undefined
}

/** Every problem of the given arguments, with their paths; `named` is the version that the endpoint asks for. */
export function argumentProblems(
  engine: Engine,
  named: string | undefined,
  given: Readonly<Record<string, unknown>>,
): readonly Detail[] {
  const version = versionOf(engine, named)
  if (version === undefined) {
    const known = engine.spec.versions.map(row => row.version).join(', ')
    const message = `${engine.metadata.name} has no version ${named}; use one of ${known}`
    return [{ path: 'spec.engine.version', rule: 'unknown_version', message }]
  }
  return Object.entries(given).flatMap(([name, value]): readonly Detail[] => {
    const path = `spec.arguments.${name}`
    const row = Object.hasOwn(engine.spec.arguments, name) ? engine.spec.arguments[name] : undefined
    if (!row) {
      const settable = Object.entries(engine.spec.arguments).filter(([, { managed }]) => !managed)
      const known = settable.map(([known]) => known).join(', ')
      const message = `${engine.metadata.name} has no argument ${name}; it has ${known || 'none'}`
      return [{ path, rule: 'unknown_argument', message }]
    }
    if (row.managed) return [{ path, rule: 'managed', message: 'is set by Switchyard; leave it out' }]
    const range = rangeProblem(row, version)
    if (range !== undefined) return [{ path, rule: 'not_in_version', message: range }]
    // The record was written as JSON; a schema that is no schema is the engine's fault and says so.
    const parsed = schemaOf(row, name).safeParse(value)
    return parsed.success ? [] : issueDetails(parsed.error.issues, path)
  })
}

function schemaOf({ schema }: Argument, name: string): z.ZodType {
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]) // JSON by the kind's own schema
  } catch (cause) {
    return z.never({ error: `the engine's schema of ${name} cannot be read: ${String(cause)}` })
  }
}

const refusedNames = [/^LD_/i, /^DYLD_/i, /^PATH$/i, /^NODE_/i, /^SWITCHYARD_/i, /_VISIBLE_DEVICES$/i]

/** Names that would change which program or library runs, or speak for Switchyard. */
export function environmentProblems(env: Readonly<Record<string, string>>): readonly Detail[] {
  return Object.keys(env)
    .filter(name => refusedNames.some(pattern => pattern.test(name)))
    .map(name => ({
      path: `spec.env.${name}`,
      rule: 'refused_name',
      message: 'cannot be set; LD_*, PATH, NODE_*, SWITCHYARD_* and device visibility belong to Switchyard',
    }))
}
