// Refusals of gateways as entries of the trail. The database knows how far it has read each journal, so that what is sent
// again is told once.
import type { JournalledDenial } from '@switchyard/runtime'

/** What the function `audit_denied` takes. */
export function placedEntry({ journal, epoch, number, denied }: JournalledDenial): object {
  const { id, at, workspace, action, rule, actor, method, credential, resource, code, reason, count } = denied
  const { address, agent, request, trace } = denied
  const colon = actor.indexOf(':')
  return {
    journal,
    epoch,
    number,
    entry: {
      id,
      time: new Date(at).toISOString(),
      workspace,
      action,
      actor: { type: actor.slice(0, colon), id: actor, name: actor.slice(colon + 1), method, credential },
      resource: resource ?? null,
      outcome: 'denied',
      origin: { ip: address, agent, request, trace },
      rule,
      code,
      reason,
      count,
    },
  }
}
