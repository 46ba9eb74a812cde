// What kinds there are, and what the person may do: asked for once, and known to every screen.
import type { Document as AnyDocument } from '@switchyard/kinds'
import { covers } from '@switchyard/kinds/covers'
import { useSuspenseQuery } from '@tanstack/react-query'
import { useExchange } from '../session/context.tsx'
import type { Exchange } from './exchange.ts'

/** JSON Schema 2020-12, as far as forms read it. */
export interface Schema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema | boolean
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
}

export interface KindInfo {
  readonly kind: string
  readonly plural: string
  readonly noun: string
  readonly short: readonly string[]
  readonly scope: 'platform' | 'workspace' | 'either'
  readonly doc: string
  readonly system: boolean
  readonly heldAbove: boolean
  readonly phases: readonly string[]
  readonly columns: readonly { readonly title: string; readonly path: string; readonly wide: boolean }[]
  readonly references: readonly { readonly path: string; readonly to: string }[]
  readonly fields: readonly string[]
  readonly immutable: readonly string[]
  readonly secrets: readonly string[]
  readonly actions: readonly {
    readonly verb: string
    readonly permission: string
    readonly doc: string
    /** It cannot be taken back: whoever means it writes the name of the document. */
    readonly binds: boolean
  }[]
  readonly spec: Schema
  readonly status: Schema
}

export type Document = AnyDocument

interface Whoami {
  readonly principal: string
  readonly grants: readonly { readonly workspace: string | null; readonly permission: string }[]
}

/** A workspace, null for the platform, undefined for anywhere. */
export type Place = string | null | undefined

export type May = (permission: string, place?: Place) => boolean

const got = async <T>(exchange: Exchange, path: string) =>
  (await exchange.send({ method: 'GET', path })).body as T // the console and the server are built together

export function useCatalogue(): readonly KindInfo[] {
  const exchange = useExchange()
  return useSuspenseQuery({
    queryKey: ['kinds'],
    queryFn: () => got<{ items: readonly KindInfo[] }>(exchange, '/api/v1/kinds'),
    staleTime: Number.POSITIVE_INFINITY,
  }).data.items
}

export function useKind(plural: string): KindInfo | undefined {
  return useCatalogue().find(kind => kind.plural === plural)
}

/** The server decides; this only tells beforehand what it would say. */
export function useMay(): May {
  const exchange = useExchange()
  const { grants } = useSuspenseQuery({
    queryKey: ['whoami'],
    queryFn: () => got<Whoami>(exchange, '/api/v1/whoami'),
    staleTime: 60_000,
  }).data
  return (permission, place) =>
    grants.some(
      grant =>
        covers(grant.permission, permission) &&
        (grant.workspace === null || place === undefined || grant.workspace === place),
    )
}
