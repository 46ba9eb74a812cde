// Whether a document may be written where and as it stands: its scope, its workspace, its name, its own state.
import { type Document, Fault, type Kind } from '@switchyard/kinds'
import type { WriteTransaction } from '@switchyard/runtime'
import { absentWorkspace } from './authorize.ts'
import { builtinLabel } from './document.ts'
import { invalid } from './invalid.ts'

/** A kind of one scope only stands there, and a workspace must be there and stay. */
export async function checkScope(tx: WriteTransaction, kind: Kind, workspace: string | null): Promise<void> {
  if (workspace === null) {
    if (kind.scope === 'workspace')
      throw invalid([
        { path: 'metadata.workspace', rule: 'required', message: `a ${kind.kind} lives in a workspace` },
      ])
    return
  }
  if (kind.scope === 'platform')
    throw invalid([
      { path: 'metadata.workspace', rule: 'scope', message: `a ${kind.kind} lives on the platform` },
    ])
  // Held until commit, so that the workspace is not deleted meanwhile.
  const home = await tx.holdWorkspace(workspace)
  if (!home) throw absentWorkspace(workspace)
  if (home === 'leaving')
    throw new Fault('conflict', `Workspace ${workspace} is being deleted.`, { reason: 'terminating' })
}

export async function checkNameIsFree(tx: WriteTransaction, { kind, metadata }: Document): Promise<void> {
  const { workspace, name } = metadata
  const standing = await tx.get({ kind, workspace, name })
  if (!standing) return
  if (standing.metadata.deletionTimestamp === undefined)
    throw new Fault('conflict', `There is already a ${kind} ${name} here.`, { reason: 'taken' })
  throw new Fault('conflict', `${kind} ${name} is still being deleted. Wait until it is gone.`, {
    reason: 'terminating',
  })
}

/** What is being deleted is frozen; what Switchyard ships is not edited but copied. */
export function checkChangeable({ kind, metadata }: Document): void {
  if (metadata.deletionTimestamp !== undefined)
    throw new Fault('conflict', `${kind} ${metadata.name} is being deleted and cannot be changed.`, {
      reason: 'terminating',
    })
  if (metadata.labels[builtinLabel] === 'true')
    throw new Fault(
      'denied',
      `${kind} ${metadata.name} comes with Switchyard and cannot be changed. Copy it under another name.`,
      {
        reason: 'builtin',
      },
    )
}
