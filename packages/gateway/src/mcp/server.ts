// A registered server of tools as the snapshot holds it: where its messages may go, and which tools are seen.
import type { AccessSpec } from '@switchyard/kinds'
import type { Origin } from '../route.ts'

/** Milliseconds. */
export interface McpTimes {
  /** Until an answer begins. */
  readonly answer: number
  /** Between two bytes of it. */
  readonly idle: number
  /** For a whole call. */
  readonly total: number
  /** For a stream of what the server says by itself. */
  readonly listen: number
}

/** One of the equal places of a server. */
export interface McpUpstream {
  /** Health is kept under it. */
  readonly key: string
  /** Name of the document, with the number of the place where it has several. */
  readonly name: string
  /** Tells it apart from the other places of its server, whatever their order. */
  readonly place: string
  readonly origin: Origin
  /** The same for streams that stand for long: their connections keep no call waiting. */
  readonly listening: Origin
  /** With its query, which may be secret. */
  readonly path: string
  /** Headers of every request, the credential among them. */
  readonly headers: readonly string[]
  /** Changes when its configuration does. */
  readonly generation: string
}

export interface McpServer {
  /** Of the document: what is sealed for one server opens at no other. */
  readonly id: string
  readonly workspace: string
  readonly name: string
  /** Name under which it stands where models do: in a key's models, in limits, in usage. */
  readonly model: string
  /** Who may call it; undefined is whoever may call models. */
  readonly access: AccessSpec
  /** Undefined where every tool is allowed. */
  readonly allows: ((tool: string) => boolean) | undefined
  readonly times: McpTimes
  /** None where its credential cannot be read. */
  readonly upstreams: readonly McpUpstream[]
}

/** By workspace and name. */
export type McpServers = ReadonlyMap<string, ReadonlyMap<string, McpServer>>
