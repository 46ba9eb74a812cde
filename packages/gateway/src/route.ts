// Where requests may go, as the snapshot holds it: a public name, tiers of upstreams, and what is known of each.
import type { Operation, Speech } from '@switchyard/dialects'
import type { Cidr, DocumentOf, route } from '@switchyard/kinds'
import type { Tariff } from '@switchyard/ledger'
import type { AnsweredBy, Bucket } from '@switchyard/runtime'
import type { Strategy } from './choose/tier.ts'
import type { CompiledGuards } from './snapshot/guards.ts'

/** Where connections are made to. */
export interface Origin {
  /** The URL, and what may be dialled. */
  readonly key: string
  /** `http://host:port` or `https://host:port`. */
  readonly url: string
  /** Ranges of special addresses that may be dialled; undefined for engines of our own, which are not guarded. */
  readonly allowed: readonly Cidr[] | undefined
}

/** One thing that answers: a replica of an endpoint, or a provider's model. */
export interface Upstream {
  /** Health is kept under it: one upstream and one model. */
  readonly key: string
  /** Name of the Replica or the Provider document. */
  readonly name: string
  /** Name of the Endpoint; '' for a provider. */
  readonly endpoint: string
  /** `engine`, or the type of the provider. */
  readonly provider: string
  /** What it is to prices: see `answeredBy`. */
  readonly by: AnsweredBy
  readonly origin: Origin
  readonly speech: Speech
  /** Speaks OpenAI's Responses too. */
  readonly responses: boolean
  /** The name that it knows the model by; undefined passes the name that was asked for. */
  readonly served: string | undefined
  /** What stands before a path, once `strip` is taken off its beginning. */
  readonly base: string
  readonly strip: string
  /** What is added to the query, encoded; '' for nothing. It may be secret. */
  readonly query: string
  /** Operations that it offers, with their paths; undefined offers every one. */
  readonly paths: Readonly<Partial<Record<Operation, string>>> | undefined
  /** Headers of every request for a whole reply, the credential among them. The same array each time. */
  readonly headers: readonly string[]
  /** The same for a stream. */
  readonly streamHeaders: readonly string[]
  /** Sent where the dialect demands a limit and the caller gave none, in tokens. */
  readonly maxOutput: number
  /** Most that is sent to it from all callers together; none where there are none. */
  readonly buckets: readonly Bucket[]
  /** Share of its tier's requests, 0 to 1000. Replicas of one endpoint share one. */
  readonly weight: number
  /** Changes when its configuration does. */
  readonly generation: string | undefined
  /** What it charges, in the currency of the workspace; undefined is not known. */
  readonly tariff: Tariff | undefined
}

/** What an upstream is to prices, to which a request for that model is sent. */
export const answeredBy = ({ by, served }: Pick<Upstream, 'by' | 'served'>, asked: string): AnsweredBy =>
  served === undefined ? { ...by, model: asked } : by

type Spec = DocumentOf<typeof route>['spec']

export interface Tier {
  readonly strategy: Strategy
  readonly upstreams: readonly Upstream[]
}

/** An endpoint without a ready replica. */
export interface Unready {
  readonly workspace: string
  /** Name of the Endpoint. */
  readonly name: string
  /** What a caller is told. */
  readonly says: string
  /** A replica comes without anybody's doing. */
  readonly mends: boolean
  /** How many requests may wait for a replica, and for how long; absent where none may. */
  readonly hold?: { readonly requests: number; readonly milliseconds: number }
}

/** Milliseconds; each completes the gateway's own. */
export interface Times {
  readonly firstContent: number
  readonly idle: number
  readonly stall: number
  readonly total: number
}

/** What a public model name leads to. */
export interface Route {
  /** Name of the Route document; that of the Endpoint for the route that it has by itself. */
  readonly id: string
  /** Public name; a wildcard ends in `*`. */
  readonly name: string
  readonly workspace: string
  /** Name of the Endpoint that it is made of; '' for a Route document. */
  readonly endpoint: string
  readonly paused: boolean
  /** Of routes with one name the highest that matches is taken. */
  readonly priority: number
  /** Which requests it is for; undefined for all. */
  readonly match: Spec['match']
  /** Who may call it; undefined is whoever may call models. */
  readonly access: Spec['access']
  readonly tiers: readonly Tier[]
  /** Of its endpoints those that cannot answer for now, in the order of the tiers. */
  readonly unready: readonly Unready[]
  /** Attempts of one request, the first included; undefined takes the gateway's own. */
  readonly attempts: number | undefined
  readonly times: Partial<Times> | undefined
  /** Milliseconds without content after which status and headers of a stream are sent. */
  readonly commitAfter: number | undefined
  /** Bytes of a body, where that is less than the gateway's own. */
  readonly bodyBytes: number | undefined
  /** Refuse what an upstream's dialect cannot say, instead of dropping it. */
  readonly strict: boolean
  /** The caller sees the upstream's own model name. */
  readonly exposeModel: boolean
  /** The caller is told which upstream answered. */
  readonly exposeUpstream: boolean
  /** Responses are kept here where the upstream cannot. */
  readonly storeResponses: boolean
  /** Images are fetched for upstreams that want their bytes. */
  readonly fetchImages: boolean
  /** Names of the Route documents that take over. */
  readonly onContextLength?: string
  readonly onContentFilter?: string
  /** Percent of requests that may have a second copy. */
  readonly hedge?: { readonly percent: number }
  /** A copy of some requests, whose answer is thrown away. */
  readonly shadow?: { readonly percent: number; readonly upstream: Upstream }
  /** Its upstreams speak more than one dialect. */
  readonly mixed: boolean
  /** A tier looks at the beginning of prompts. */
  readonly prefixed: boolean
  readonly guarding: CompiledGuards
  readonly cache: Spec['cache']
  /** Of the document. */
  readonly generation: number
  /** Seconds since 1970. */
  readonly created: number
}
