// Reasoning effort and token budget say the same in two ways; this is the one table between them.
import { type Conversation, type Effort, efforts } from './conversation.ts'

const budgets = {
  none: 0,
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_768,
  max: Number.POSITIVE_INFINITY,
} as const satisfies Record<Effort, number>

/** The lowest effort whose budget covers this one. */
export function effortOf(budget: number): Effort {
  return efforts.find(effort => budget <= budgets[effort]) ?? 'max'
}

/** The effort that is asked for, in whichever form it was said. */
export function askedEffort(reasoning: Conversation['reasoning']): Effort | undefined {
  if (reasoning?.effort !== undefined) return reasoning.effort
  return reasoning?.budget === undefined ? undefined : effortOf(Math.max(0, reasoning.budget))
}

/** The budget of an effort; `most` is what the model has for the highest. */
export function budgetOf(effort: Effort, most: number): number {
  const budget = budgets[effort]
  return Number.isFinite(budget) ? budget : most
}
