// What each step of the wizard is given, and the workspaces among which it chooses.
import { useMay } from '../api/catalogue.ts'
import { useSeen } from '../kinds/seen.ts'
import type { Change, Draft } from './draft.ts'

export interface StepProps {
  readonly draft: Draft
  readonly change: Change
}

/** The workspaces in which the person may make an endpoint. */
export function useWorkspaces(): { readonly names: readonly string[]; readonly isComplete: boolean } {
  const may = useMay()
  const { documents, isComplete } = useSeen('Workspace')
  const names = documents.map(({ metadata: { name } }) => name).filter(name => may('endpoint:create', name))
  return { names: names.toSorted(), isComplete }
}
