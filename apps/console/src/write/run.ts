// One thing after another, done to each of several documents: how far it is, what could not be and why, and a stop.
import { Fault } from '@switchyard/kinds/fault'
import { useRef, useState } from 'react'
import type { Document } from '../api/catalogue.ts'
import type { Done } from './deeds.ts'
import type { Change } from './undo.tsx'

export interface Failure {
  readonly name: string
  readonly fault: Fault
}

export interface Ran {
  /** Of those that were begun. */
  readonly done: number
  readonly failures: readonly Failure[]
  readonly changes: readonly Change[]
  readonly secrets: readonly { readonly name: string; readonly secret: string }[]
  readonly wasStopped: boolean
}

const none: Ran = { done: 0, failures: [], changes: [], secrets: [], wasStopped: false }

export interface Run {
  readonly ran: Ran
  readonly isBusy: boolean
  start(documents: readonly Document[], perform: (document: Document) => Promise<Done>): Promise<Ran>
  /** After the one that is being done. */
  stop(): void
  clear(): void
}

export function useRun(): Run {
  const [ran, setRan] = useState(none)
  const [isBusy, setBusy] = useState(false)
  const stopping = useRef(false)
  return {
    ran,
    isBusy,
    async start(documents, perform) {
      stopping.current = false
      setBusy(true)
      let now = none
      try {
        for (const before of documents) {
          if (stopping.current) {
            now = { ...now, wasStopped: true }
            break
          }
          const { name } = before.metadata
          try {
            const { after, secret } = await perform(before)
            if (after) now = { ...now, changes: [...now.changes, { before, after }] }
            if (secret !== undefined) now = { ...now, secrets: [...now.secrets, { name, secret }] }
          } catch (error) {
            if (!(error instanceof Fault)) throw error
            now = { ...now, failures: [...now.failures, { name, fault: error }] }
          }
          now = { ...now, done: now.done + 1 }
          setRan(now)
        }
      } finally {
        setRan(now)
        setBusy(false)
      }
      return now
    },
    stop() {
      stopping.current = true
    },
    clear: () => setRan(none),
  }
}
