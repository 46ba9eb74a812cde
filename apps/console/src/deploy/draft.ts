// What somebody is about to deploy, as far as they have said it: kept while the tab is open, and the documents that
// become of it.
import type { DocumentOf, endpoint, model } from '@switchyard/kinds'
import { useEffect, useState } from 'react'

export const steps = ['place', 'model', 'engine', 'resources', 'serving', 'review'] as const
export type Step = (typeof steps)[number]

export interface Draft {
  readonly workspace: string
  readonly cluster?: string | undefined
  readonly model?: string | undefined
  readonly engine?: string | undefined
  /** The first supported one when absent. */
  readonly version?: string | undefined
  readonly arguments: Readonly<Record<string, unknown>>
  /** One a line. */
  readonly extraArgs: string
  /** NAME=value, one a line. */
  readonly env: string
  readonly tokens?: number | undefined
  readonly sequences?: number | undefined
  readonly cpu?: number | undefined
  /** `48Gi`. */
  readonly memory?: string | undefined
  readonly accelerator?: string | undefined
  readonly product?: string | undefined
  readonly devices?: number | undefined
  readonly name: string
  /** Another name by which callers reach it, by a Route. */
  readonly publicName: string
  readonly replicas: number
  readonly idleSeconds?: number | undefined
  readonly holdRequests?: number | undefined
  readonly holdSeconds?: number | undefined
  readonly startupSeconds?: number | undefined
}

export const blank: Draft = {
  workspace: '',
  arguments: {},
  extraArgs: '',
  env: '',
  name: '',
  publicName: '',
  replicas: 1,
}

const place = 'switchyard.deploy'

function kept(): Draft {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(place) ?? '{}')
    return typeof value === 'object' ? { ...blank, ...value } : blank
  } catch {
    return blank // a browser that keeps nothing, or something else's text
  }
}

export function forgetDraft(): void {
  try {
    sessionStorage.removeItem(place)
  } catch {
    // Nothing was kept.
  }
}

export type Change = (changes: Partial<Draft>) => void

/** It survives a reload and going elsewhere and back. */
export function useDraft(): readonly [Draft, Change] {
  const [draft, setDraft] = useState(kept)
  useEffect(() => {
    try {
      sessionStorage.setItem(place, JSON.stringify(draft))
    } catch {
      // Then it lives for as long as the page.
    }
  }, [draft])
  return [draft, changes => setDraft(before => ({ ...before, ...changes }))]
}

const lines = (text: string) =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')

const given = <T extends object>(values: T) => {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

function member<K extends string>(key: K, value: unknown): Partial<Record<K, unknown>> {
  // A computed key is of its own type.
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, unknown>>)
}

/** The Endpoint, with nothing in it that the schema says by itself. */
export function endpointOf(draft: Draft) {
  const env = Object.fromEntries(
    lines(draft.env).map(line => {
      const cut = line.indexOf('=')
      return cut === -1 ? [line, ''] : [line.slice(0, cut), line.slice(cut + 1)]
    }),
  )
  const extraArgs = lines(draft.extraArgs)
  return {
    apiVersion: 'switchyard.dev/v1',
    kind: 'Endpoint',
    metadata: { name: draft.name, workspace: draft.workspace },
    spec: {
      ...member('cluster', draft.cluster),
      model: { name: draft.model ?? '' },
      ...member(
        'engine',
        draft.engine === undefined ? undefined : { name: draft.engine, ...member('version', draft.version) },
      ),
      ...(Object.keys(draft.arguments).length > 0 && { arguments: draft.arguments }),
      ...(extraArgs.length > 0 && { extraArgs }),
      ...(Object.keys(env).length > 0 && { env }),
      ...member('context', given({ tokens: draft.tokens, sequences: draft.sequences })),
      ...member(
        'resources',
        given({
          cpu: draft.cpu,
          memory: draft.memory,
          accelerator: draft.accelerator,
          product: draft.product,
          devices: draft.devices,
        }),
      ),
      replicas: draft.replicas,
      ...member('startupSeconds', draft.startupSeconds),
      ...member('idleSeconds', draft.idleSeconds),
      ...member('hold', given({ requests: draft.holdRequests, seconds: draft.holdSeconds })),
    },
  }
}

/** The Route by which it has another name; undefined where its own is enough. */
export function routeOf({ name, publicName, workspace }: Draft) {
  if (publicName === '' || publicName === name) return undefined
  return {
    apiVersion: 'switchyard.dev/v1',
    kind: 'Route',
    metadata: { name, workspace },
    spec: { names: [publicName], tiers: [{ targets: [{ endpoint: name }] }] },
  }
}

const fields: readonly (readonly [prefix: string, step: Step])[] = [
  ['metadata.workspace', 'place'],
  ['spec.cluster', 'place'],
  ['spec.model', 'model'],
  ['spec.engine', 'engine'],
  ['spec.arguments', 'engine'],
  ['spec.extraArgs', 'engine'],
  ['spec.env', 'engine'],
  ['spec.context', 'engine'],
  ['spec.resources', 'resources'],
]

/** The step where what stands at this path is said. */
export const stepOf = (path: string): Step =>
  fields.find(([prefix]) => path === prefix || path.startsWith(`${prefix}.`))?.[1] ?? 'serving'

/** What is still missing, before the server is asked. */
export function isSaid(draft: Draft, step: Step): boolean {
  switch (step) {
    case 'place':
      return draft.workspace !== '' && draft.cluster !== undefined
    case 'model':
      return draft.model !== undefined
    case 'engine':
      return draft.engine !== undefined
    case 'serving':
      return draft.name !== ''
    default:
      return true
  }
}

/** A name for an endpoint, from that of its model. */
export const nameFrom = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)

export type EndpointDocument = DocumentOf<typeof endpoint>
export type ModelDocument = DocumentOf<typeof model>
