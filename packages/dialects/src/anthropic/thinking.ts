// How much an upstream is asked to think, and when it must not be asked at all.
import type { Conversation } from '../conversation.ts'
import { askedEffort, budgetOf } from '../effort.ts'
import type { Losses } from '../losses.ts'
import type { Json } from '../raw.ts'
import type { Row } from './row.ts'
import type { Message } from './turns.ts'

const leastBudget = 1024

interface Thinking {
  readonly on: boolean
  readonly thinking?: Json
  readonly effort?: string
}

interface Circumstances {
  readonly row: Row
  readonly maxTokens: number
  readonly messages: readonly Message[]
  /** A tool must be called: thinking and that exclude each other. */
  readonly forced: boolean
  readonly losses: Losses
}

export function writeThinking(ask: Conversation, circumstances: Circumstances): Thinking {
  const { reasoning } = ask
  const { row, maxTokens, messages, forced, losses } = circumstances
  if (!reasoning) return { on: false }
  const effort = askedEffort(reasoning)
  const { budget, auto, show } = reasoning
  if (effort === 'none') return { on: false, thinking: { type: 'disabled' } }
  if (forced) {
    losses.drop('reasoning')
    return { on: false }
  }
  const own = ask.dialect === 'anthropic'
  const display = show === undefined ? undefined : show ? 'summarized' : 'omitted'
  // A caller of this dialect knows which form its model takes; of the others' the row does.
  const adaptive = own ? auto === true : row.thinking === 'effort'
  if (adaptive) {
    if (effort === undefined && !auto) return { on: false }
    const word = effort === 'minimal' ? 'low' : effort
    return { on: true, thinking: { type: 'adaptive', display }, ...(word !== undefined && { effort: word }) }
  }
  const said = own && reasoning.effort !== undefined ? { effort: reasoning.effort } : {}
  // Without a word on thinking, Anthropic's effort is one of words.
  if (own && budget === undefined) return { on: false, ...said }
  const asked = budget ?? (effort === undefined ? undefined : budgetOf(effort, maxTokens - 1))
  if (asked === undefined) return { on: false, ...said }
  if (asked < leastBudget || asked >= maxTokens || !proven(messages)) {
    losses.drop('reasoning')
    return { on: false, ...said }
  }
  return { on: true, thinking: { type: 'enabled', budget_tokens: asked, display }, ...said }
}

/** An assistant turn that is being gone on with must begin with its own thinking. */
function proven(messages: readonly Message[]): boolean {
  const last = messages.at(-1)
  const turn = last?.content.some(({ type }) => type === 'tool_result') ? messages.at(-2) : last
  if (turn?.role !== 'assistant') return true
  const type = turn.content[0]?.type
  return type === 'thinking' || type === 'redacted_thinking'
}
