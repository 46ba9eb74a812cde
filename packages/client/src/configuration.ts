// How a server is configured, and where it would send a request.
import type { Configuration, ConfigurationState as State } from '@switchyard/api'
import type { ExplainAsk, Explanation } from '@switchyard/gateway'
import { type Code, type Detail, Fault } from '@switchyard/kinds'
import type { Manifest } from './documents.ts'
import type { Exchange } from './exchange.ts'
import { isRecord } from './values.ts'

export type RouteAsk = ExplainAsk
export type RouteExplanation = Explanation
/** Members that are not known are absent. */
export type ConfigurationState = Partial<State> & Pick<State, 'phase' | 'documents' | 'problems'>

/** What a file would change, or every reason why it would not be taken. */
export interface CheckedConfiguration {
  readonly documents: Configuration['documents']
  readonly problems: readonly {
    /** Place in what was sent; absent for a document that was to go. */
    readonly index?: number
    readonly kind: string
    readonly workspace: string | null
    readonly name: string
    readonly code: Code
    readonly reason: string
    readonly message: string
    readonly details: readonly Detail[]
  }[]
}

const another = (what: string) =>
  new Fault('internal', `The server answered with something that is no ${what}. Is it another version?`)

export function configurationCalls(exchange: Exchange) {
  return {
    /** How the configuration file of the server stands. */
    async configuration(): Promise<ConfigurationState> {
      const { body } = await exchange.send({ method: 'GET', path: '/api/v1/configuration' })
      if (!isRecord(body) || typeof body.phase !== 'string' || !Array.isArray(body.problems))
        throw another('configuration')
      return body as unknown as ConfigurationState // the server's own schema made it
    },

    /** Documents in the order of their references; nothing is written. */
    async checkConfiguration(documents: readonly Manifest[]): Promise<CheckedConfiguration> {
      const path = '/api/v1/configuration/check'
      const { body } = await exchange.send({ method: 'POST', path, body: { documents } })
      if (!isRecord(body) || !Array.isArray(body.documents) || !Array.isArray(body.problems))
        throw another('check of a configuration')
      return body as unknown as CheckedConfiguration // the same
    },

    /** Where a request would go now, and why not elsewhere. */
    async explainRoute({ workspace, ...ask }: RouteAsk): Promise<RouteExplanation> {
      const path = `/api/v1/workspaces/${encodeURIComponent(workspace)}/actions/explain-route`
      const { body } = await exchange.send({ method: 'POST', path, body: ask })
      if (!isRecord(body) || !isRecord(body.verdict) || !Array.isArray(body.sentences))
        throw another('explanation')
      return body as unknown as RouteExplanation // the same
    },
  }
}
