// The guardrails of a route, made ready once for each version of them.
import { carriedBy } from '@switchyard/catalog'
import { type CredentialSecret, Fault } from '@switchyard/kinds'
import { Sealed } from '@switchyard/runtime'
import { compileGuards, type GuardRule, type Guards } from '../guard/index.ts'
import { type Found, type GuardrailDocument, referred } from './found.ts'

export interface CompiledGuards {
  /** Undefined where there are none, or where they cannot be made. */
  readonly guards: Guards | undefined
  /** Why they cannot be made: the route then answers nothing. */
  readonly fault: Fault | undefined
  /** Id and version of each, in order. */
  readonly versions: readonly string[]
}

const none: CompiledGuards = Object.freeze({ guards: undefined, fault: undefined, versions: [] })
/** Automata of thousands of words are not built anew with every snapshot. */
const made = new Map<string, CompiledGuards>()
const mostMade = 256

export function guardsOf(
  references: readonly string[],
  { guardrails, credentials }: Found,
  secrets: ReadonlyMap<string, Sealed<CredentialSecret>>,
): CompiledGuards {
  if (references.length === 0) return none
  const documents = references.map(reference => guardrails.get(reference))
  const versions = documents.map((document, i) =>
    document ? `${document.metadata.id} ${document.metadata.resourceVersion}` : `no ${references[i]}`,
  )
  const key = versions.join('\n')
  const known = made.get(key)
  if (known) return known
  const compiled = compile(documents, versions, references, document => {
    const { spec, metadata } = document
    if (spec.kind !== 'webhook' || spec.credential === undefined) return undefined
    const credential = credentials.get(referred(metadata.workspace, spec.credential))
    const secret = credential && secrets.get(credential.metadata.id)
    if (!credential || !secret) throw broken(metadata.name, 'its credential cannot be read')
    const { headers } = carriedBy({ carrier: 'bearer' }, credential.spec, secret.reveal())
    const at = headers.indexOf('authorization')
    return at < 0 ? undefined : new Sealed(headers[at + 1] ?? '')
  })
  if (made.size >= mostMade) made.clear()
  made.set(key, compiled)
  return compiled
}

function compile(
  documents: readonly (GuardrailDocument | undefined)[],
  versions: readonly string[],
  references: readonly string[],
  authorization: (document: GuardrailDocument) => Sealed | undefined,
): CompiledGuards {
  try {
    const rules = documents.map((document, i): GuardRule => {
      if (!document) throw broken(references[i] ?? '', 'it does not exist')
      const { share: _share, ...spec } = document.spec
      const { name } = document.metadata
      if (spec.kind !== 'webhook') return { ...spec, name }
      const { credential: _credential, ...hook } = spec
      const value = authorization(document)
      return { ...hook, name, ...(value && { authorization: value }) }
    })
    return Object.freeze({ guards: compileGuards(rules), fault: undefined, versions })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return Object.freeze({ guards: undefined, fault: error, versions })
  }
}

function broken(name: string, why: string): Fault {
  return new Fault('unavailable', `The guardrail '${name}' of this model cannot be used: ${why}.`, {
    reason: 'guardrail_unavailable',
  })
}
