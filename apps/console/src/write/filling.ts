// What the fields of one form share: the document that is filled in, and what is known of it.
import type { Fault } from '@switchyard/kinds/fault'
import { createContext, use } from 'react'
import type { KindInfo, Schema } from '../api/catalogue.ts'
import type { Path } from './json.ts'

/** What every field of one form knows. */
export interface Filling {
  readonly kind: KindInfo
  /** The whole document. */
  readonly value: unknown
  readonly onChange: (value: unknown) => void
  /** What is wrong, by path. */
  readonly details: Fault['details']
  readonly isNew: boolean
  /** Secrets that hold something already, by their path. */
  readonly set: readonly string[]
}

const context = createContext<Filling | undefined>(undefined)

export const FillingProvider = context.Provider

export function useFilling(): Filling {
  const filling = use(context)
  if (!filling) throw new TypeError('There is no form around this.')
  return filling
}

export interface At {
  readonly schema: Schema
  readonly path: Path
}

export interface Labelled extends At {
  readonly label: string
  readonly isRequired?: boolean
}

/** As the text of an input. */
export const shown = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
