// What a revision is made of: model, engine and arguments resolved into one command. Resolution happens when
// a revision is made, and never later.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkArguments, findVersion, isDeniedEnvironment, renderCommand } from '@switchyard/catalog'
import { bytesOf } from '@switchyard/kinds'
import { canonical } from '@switchyard/runtime'
import type {
  EndpointDocument,
  EngineDocument,
  ModelDocument,
  ModelRegistryDocument,
  RevisionDocument,
} from '../documents.ts'

export type Template = RevisionDocument['spec']['template']

/** A revision is rendered for life by the renderer that it was born with. */
export const renderer = '1'

/** Tokens of a sequence when nobody chose: the model's own, but no more than a small machine can hold. */
const ownContext = { most: 8192, unknown: 4096 }

export interface Resolving {
  readonly model: ModelDocument | undefined
  readonly registry: ModelRegistryDocument | undefined
  readonly engine: EngineDocument | undefined
}

export type Resolved =
  | { readonly template: Template; readonly hash: string }
  | { readonly reason: string; readonly message: string }

/** Digest of the fields whose change makes a new revision. */
export function inputsOf({ spec }: EndpointDocument): string {
  const { model, engine, arguments: values, extraArgs, env, resources, context } = spec
  return digest({ model, engine, values, extraArgs, env, resources, context })
}

export function resolve(endpoint: EndpointDocument, { model, registry, engine }: Resolving): Resolved {
  const { spec } = endpoint
  const no = (reason: string, message: string): Resolved => ({ reason, message })

  if (!model)
    return no(
      'ModelMissing',
      `There is no model ${spec.model.name}; create it, or name another in spec.model.`,
    )
  const validated = model.status.conditions?.find(({ type }) => type === 'Validated')
  if (validated?.status === 'False')
    return no('ModelInvalid', `The model ${spec.model.name} cannot be served: ${validated.message}`)
  const { digest: modelDigest, format } = model.status
  if (validated?.status !== 'True' || modelDigest === undefined || !registry)
    return no(
      'ModelNotReady',
      `The model ${spec.model.name} is still being read. ${validated?.message ?? ''}`.trim(),
    )

  if (!engine)
    return no(
      'EngineMissing',
      `There is no engine ${spec.engine.name}; name one of those that exist in spec.engine.`,
    )
  const version = findVersion(engine.spec, spec.engine.version)
  const unsupported = (message: string) => no('EngineUnsupported', message)
  if (!version)
    return unsupported(
      `The engine ${spec.engine.name} has no version ${spec.engine.version ?? 'that is supported'}; it has ${engine.spec.versions.map(each => each.version).join(', ')}.`,
    )
  if (format === undefined || !engine.spec.formats.includes(format))
    return unsupported(
      `The engine ${spec.engine.name} loads ${engine.spec.formats.join(', ')}, and the model is ${format ?? 'of an unknown format'}.`,
    )
  if (!engine.spec.tasks.includes(model.spec.task))
    return unsupported(
      `The engine ${spec.engine.name} serves ${engine.spec.tasks.join(', ')}, and the model is for ${model.spec.task}.`,
    )
  const wrong = checkArguments(engine.spec, version.version, spec.arguments)
  if (wrong.length > 0) return unsupported(wrong.map(({ path, message }) => `${path}: ${message}`).join(' '))
  const denied = Object.keys(spec.env).filter(isDeniedEnvironment)
  if (denied.length > 0) return unsupported(`spec.env may not set ${denied.join(', ')}; take it out.`)

  const binary = version.binary ?? engine.spec.start.command[0] ?? ''
  const path = join(fileURLToPath(registry.spec.url), model.spec.source.path)
  const tokens = spec.context.tokens ?? contextOf(model)
  const { sequences } = spec.context
  const { cpu } = spec.resources
  // An embedding model is of no use to an engine that was not told to embed.
  const embeds = model.spec.task === 'embedding' && 'embeddings' in engine.spec.arguments
  const values = embeds ? { embeddings: true, ...spec.arguments } : spec.arguments
  const argv = renderCommand(
    engine.spec,
    version.version,
    values,
    {
      binary,
      model: path,
      name: endpoint.metadata.name,
      context: String(tokens * sequences),
      sequences: String(sequences),
      ...(cpu === undefined ? {} : { threads: String(cpu) }),
    },
    spec.extraArgs,
  )
  const { alive, metrics } = engine.spec.probes
  const template: Template = {
    model: { name: spec.model.name, digest: modelDigest, path },
    engine: { name: spec.engine.name, version: version.version, binary },
    argv,
    env: spec.env,
    probes: metrics === undefined ? { alive } : { alive, metrics },
    context: { tokens, sequences },
    startupSeconds: spec.startupSeconds,
    ...needsOf(spec.resources),
  }
  const { startupSeconds: _, ...hashed } = template
  return { template, hash: digest({ renderer, ...hashed }) }
}

/** What each replica needs of its own; nothing is said of what it does not need, so that older hashes stand. */
function needsOf({
  accelerator,
  product,
  devices,
  memory,
}: EndpointDocument['spec']['resources']): Pick<Template, 'resources'> {
  if (devices === undefined && memory === undefined) return {}
  return {
    resources: {
      ...(accelerator === undefined ? {} : { accelerator }),
      ...(product === undefined ? {} : { product }),
      ...(devices === undefined ? {} : { devices }),
      ...(memory === undefined ? {} : { memoryBytes: bytesOf(memory) }),
    },
  }
}

function contextOf(model: ModelDocument): number {
  const own = model.status.facts?.context_length?.value
  return typeof own === 'number' && own > 0 ? Math.min(own, ownContext.most) : ownContext.unknown
}

const digest = (value: unknown) => createHash('sha256').update(canonical(value)).digest('hex')
