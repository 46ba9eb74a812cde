// The one way from a caller to an upstream, whatever the two speak.
import { callers } from './callers.ts'
import type { Carry } from './carriage.ts'
import { carryConverted, conversationOf } from './convert.ts'
import { carrySame } from './pass.ts'

/** Carries a chat. The same bytes where both speak one dialect and nobody looks at the answer. */
export const carry: Carry = (ask, to, options) =>
  callers[ask.caller].dialect === to.dialect && !options.filter
    ? carrySame(ask, to, options)
    : carryConverted(ask.caller, conversationOf(ask), to, options)
