// What the gateway answers when it is asked where a request would go, as far as the screens read it.
import type { ExplainedTarget, Explanation } from '@switchyard/gateway'
import { useQuery } from '@tanstack/react-query'
import { useExchange } from '../session/context.tsx'
import { nameOf, type RouteDocument, type Target } from './documents.ts'

export type { ExplainedTarget, Explanation } from '@switchyard/gateway'

/** A request as far as its way depends on it. */
export interface Asked {
  readonly model: string
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly tags?: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
  readonly session?: string
  readonly streamed?: boolean
}

/** The start of a pattern, with something in place of its `*`. */
const filled = (pattern: string) => pattern.replace('*', 'x')

/** A request that this route is for. */
export function requestFor({ spec: { names, match = {} } }: RouteDocument): Asked {
  const { headers = {}, metadata = {}, tags = [] } = match
  const each = (patterns: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(patterns).map(([name, pattern]) => [name, filled(pattern)]))
  return {
    model: filled(names[0] ?? ''),
    ...(Object.keys(headers).length > 0 && { headers: each(headers) }),
    ...(Object.keys(metadata).length > 0 && { metadata: each(metadata) }),
    ...(tags.length > 0 && { tags }),
  }
}

/** Asked again every `milliseconds`, or once. */
export function useExplanation(workspace: string, asked: Asked | undefined, milliseconds?: number) {
  const exchange = useExchange()
  return useQuery({
    queryKey: ['explain', workspace, asked],
    enabled: asked !== undefined,
    ...(milliseconds !== undefined && { refetchInterval: milliseconds }),
    queryFn: async ({ signal }) => {
      const path = `/api/v1/workspaces/${encodeURIComponent(workspace)}/actions/explain-route`
      const { body } = await exchange.send({ method: 'POST', path, body: asked, signal })
      return body as Explanation // the console and the server are built together
    },
  })
}

/** What was said of a target: of each replica where it is an endpoint. */
export function explainedOf(
  explanation: Explanation | undefined,
  route: string,
  tier: number,
  target: Target,
): readonly ExplainedTarget[] {
  if (explanation?.route?.id !== route) return []
  const name = nameOf(target).replace(/^platform\//, '')
  const all = explanation.route.tiers[tier]?.targets ?? []
  const found = all.filter(one =>
    target.endpoint === undefined ? !one.endpoint && one.name === name : one.endpoint === name,
  )
  const exact = found.filter(({ model }) => model === target.model)
  return target.endpoint === undefined && exact.length > 0 ? exact : found
}

const isChosen = ({ word }: ExplainedTarget) => word.startsWith('chosen')

export type Mood = 'chosen' | 'ill' | 'well' | 'absent' | 'unknown'

/** How it stands: an endpoint is well as long as one of its replicas is. */
export function moodOf(explained: readonly ExplainedTarget[], isKnown: boolean): Mood {
  if (explained.some(isChosen)) return 'chosen'
  if (explained.length === 0) return isKnown ? 'absent' : 'unknown'
  return explained.every(({ health }) => health.unfit !== undefined) ? 'ill' : 'well'
}

/** The word that says most: that of the chosen one, or of the first. */
export const wordOf = (explained: readonly ExplainedTarget[]): ExplainedTarget['word'] | undefined =>
  (explained.find(isChosen) ?? explained[0])?.word
