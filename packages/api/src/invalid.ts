// The refusal of an input: every problem at once, each with its path, its rule and what to do.
import { type Detail, Fault } from '@switchyard/kinds'
import type { z } from 'zod'

export function invalid(details: readonly Detail[], reason = 'invalid'): Fault {
  const first = details[0]
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : ''
  const message = first
    ? `${first.path === '' ? 'The document' : first.path}: ${first.message}${more}.`
    : 'Invalid.'
  return new Fault('invalid', message.replace(/\.\.$/, '.'), { reason, details })
}

/** Zod's issues as details: an unrecognised key is one detail per key, with the key in its path. */
export function issueDetails(issues: readonly z.core.$ZodIssue[], root: string): readonly Detail[] {
  const at = (path: readonly PropertyKey[]) =>
    [root, ...path.map(String)].filter(step => step !== '').join('.')
  return issues.flatMap((issue): readonly Detail[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(key => ({
        path: at([...issue.path, key]),
        rule: 'unknown_field',
        message: 'is not a field here',
      }))
    const absent = issue.code === 'invalid_type' && issue.message.endsWith('received undefined')
    return [
      {
        path: at(issue.path),
        rule: absent ? 'required' : issue.code,
        message: absent ? 'is required' : issue.message,
      },
    ]
  })
}
