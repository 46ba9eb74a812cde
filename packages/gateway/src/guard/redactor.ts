// Takes words and personal data out of texts that are kept for people to look at.
import { Fault, type PiiType } from '@switchyard/kinds'
import { compileGuards } from './compile.ts'
import { guardTexts } from './request.ts'
import type { GuardContext, GuardRule } from './rule.ts'

const rule = { stage: 'request', action: 'redact', onFailure: 'closed' } as const

const unreachable = () =>
  Promise.reject(new TypeError('words and personal data need neither thread nor network'))
const context: GuardContext = {
  model: '',
  requestId: '',
  checker: { find: unreachable, fits: unreachable },
  send: unreachable,
}

/** As many texts as were given. Rejects with `unavailable` where it cannot be said that they are clean. */
export function redactor(
  words: readonly string[],
  pii: readonly PiiType[],
): (texts: readonly string[]) => Promise<readonly string[]> {
  const rules: GuardRule[] = []
  if (words.length > 0) rules.push({ ...rule, name: 'words', kind: 'keyword', words })
  if (pii.length > 0) rules.push({ ...rule, name: 'personal data', kind: 'pii', types: pii })
  const guards = compileGuards(rules)
  return async texts => {
    const { blocked, texts: clean } = await guardTexts(texts, guards, context)
    if (blocked) throw new Fault('unavailable', 'A text could not be cleaned, and so is not kept.')
    return clean
  }
}
