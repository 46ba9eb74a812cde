// `think` <-> reasoning effort: on and off everywhere, three levels where the model has them.
import type { Conversation, Effort } from '../conversation.ts'
import { askedEffort } from '../effort.ts'
import type { Fields } from '../fields.ts'
import type { Losses } from '../losses.ts'
import { invalidValue } from '../raw.ts'

const levels = ['low', 'medium', 'high', 'max'] as const

export function readThink(ask: Fields): Conversation['reasoning'] {
  const raw = ask.raw('think')
  if (!raw) return undefined
  const on = raw.boolean()
  if (on !== undefined) return on ? { effort: 'medium', show: true } : { effort: 'none' }
  const level = levels.find(word => word === raw.string())
  if (!level) throw invalidValue('think', `'think' must be true, false or one of ${levels.join(', ')}.`)
  return { effort: level, show: true }
}

const thinkOf = {
  none: false,
  minimal: 'low',
  low: 'low',
  medium: true,
  high: 'high',
  xhigh: 'high',
  max: 'max',
} as const satisfies Record<Effort, boolean | string>

export function writeThink(
  reasoning: Conversation['reasoning'],
  losses: Losses,
): boolean | string | undefined {
  const effort = askedEffort(reasoning)
  if (effort === undefined) return reasoning?.auto ?? reasoning?.show
  if (effort === 'minimal' || effort === 'xhigh') losses.clamp('reasoning_effort')
  return thinkOf[effort]
}
