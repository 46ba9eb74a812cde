// How much an upstream is asked to think, and when it must not be asked at all.
import type { Conversation, Effort } from '../conversation.ts'
import type { Json } from '../raw.ts'
import type { Block, Losses } from './turns.ts'

const budgets: Readonly<Record<Exclude<Effort, 'none' | 'max'>, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_768,
}
const leastBudget = 1024

interface Thinking {
  readonly on: boolean
  readonly thinking?: Json
  readonly effort?: Effort
}

const off: Thinking = { on: false }

export function writeThinking(
  ask: Conversation,
  maxTokens: number,
  messages: readonly { readonly role: string; readonly content: readonly Block[] }[],
  losses: Losses,
): Thinking {
  const { reasoning } = ask
  if (!reasoning) return off
  const { effort, budget, show } = reasoning
  if (effort === 'none' || budget === 0) return { on: false, thinking: { type: 'disabled' } }
  const own = ask.dialect === 'anthropic' && effort !== 'minimal'
  const display = show === undefined ? undefined : show ? 'summarized' : 'omitted'
  const asked = budget ?? (own || effort === undefined ? undefined : budgetOf(effort, maxTokens))
  if (asked === undefined)
    return own ? { on: true, thinking: { type: 'adaptive', display }, ...(effort && { effort }) } : off
  if (asked < leastBudget || asked >= maxTokens || !proven(messages)) {
    losses.dropped.add('reasoning')
    return own && effort ? { on: false, effort } : off
  }
  return {
    on: true,
    thinking: { type: 'enabled', budget_tokens: asked, display },
    ...(own && effort && { effort }),
  }
}

function budgetOf(effort: Exclude<Effort, 'none'>, maxTokens: number): number {
  return effort === 'max' ? maxTokens - 1 : budgets[effort]
}

/** An assistant turn that is being gone on with must begin with its own thinking. */
function proven(messages: readonly { readonly role: string; readonly content: readonly Block[] }[]): boolean {
  const last = messages.at(-1)
  const turn = last?.content.some(({ type }) => type === 'tool_result') ? messages.at(-2) : last
  if (turn?.role !== 'assistant') return true
  const type = turn.content[0]?.type
  return type === 'thinking' || type === 'redacted_thinking'
}
