// What a playground keeps in its tab: conversations and parameters, and no secret. Gone with the tab.
import { noParameters, type Parameters, type Turn } from './thread.ts'

export interface Column {
  readonly id: string
  readonly model: string
  readonly turns: readonly Turn[]
}

export interface Kept {
  readonly columns: readonly Column[]
  readonly parameters: Parameters
  readonly workspace: string
  readonly project: string
}

const place = 'switchyard.playground'

export const nothing: Kept = {
  columns: [{ id: 'a', model: '', turns: [] }],
  parameters: noParameters,
  workspace: '',
  project: '',
}

export function kept(): Kept {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(place) ?? 'null')
    // Written by `keep` alone, in this tab.
    return typeof value === 'object' && value !== null ? { ...nothing, ...(value as Partial<Kept>) } : nothing
  } catch {
    return nothing // a browser that keeps nothing begins anew
  }
}

/** False where it does not fit: images are large. */
export function keep(state: Kept): boolean {
  try {
    sessionStorage.setItem(place, JSON.stringify(state))
    return true
  } catch {
    return false
  }
}
