// The list of models in OpenAI's shape: those that the credential may call, in a stable order.
import { callable, unknownModel } from './resolve.ts'
import type { Model, Principal, Snapshot } from './snapshot.ts'

const shown = ({ name, created, workspace }: Model) => ({
  id: name,
  object: 'model',
  created,
  owned_by: workspace,
})

export function listModels(principal: Principal, snapshot: Snapshot): string {
  return JSON.stringify({ object: 'list', data: callable(principal, snapshot).map(shown) })
}

export function showModel(id: string, principal: Principal, snapshot: Snapshot): string {
  const model = callable(principal, snapshot).find(({ name }) => name === id)
  if (!model) throw unknownModel(id)
  return JSON.stringify(shown(model))
}
