// The workspace that what is being written will stand in; null is the platform.
import { createContext, use } from 'react'

const context = createContext<string | null>(null)

export const WorkspaceOfDraft = context.Provider

export const useWorkspaceOfDraft = (): string | null => use(context)
