// Follows the logs of an endpoint's replicas, and goes on by itself when the stream is cut or a replica comes.
import { Fault } from '@switchyard/kinds/fault'
import { useEffect, useState } from 'react'
import { useExchange } from '../session/context.tsx'
import { appended, type Block, type LogLine, linesOf, unseen } from './lines.ts'

export interface Wanted {
  readonly workspace: string
  readonly endpoint: string
  /** Of all when empty. */
  readonly replica: string
  /** Of the run before the last start. */
  readonly previous: boolean
  /** Ids of the replicas that are there: others make it begin anew. */
  readonly there: string
}

export interface Followed {
  readonly blocks: readonly Block[]
  readonly isCut: boolean
  /** What trying again would not mend. */
  readonly fault: Fault | undefined
  readonly clear: () => void
}

/** What has come within so many milliseconds is shown at once. */
const together = 100
const again = 2000

const isFinal = (error: unknown): error is Fault =>
  error instanceof Fault && ['denied', 'not_found', 'unsupported', 'invalid'].includes(error.code)

export function useLogs({ workspace, endpoint, replica, previous, there }: Wanted): Followed {
  const exchange = useExchange()
  const [blocks, setBlocks] = useState<readonly Block[]>([])
  const [isCut, setCut] = useState(false)
  const [fault, setFault] = useState<Fault>()
  useEffect(() => {
    const own = new AbortController()
    const { signal } = own
    const newest = new Map<string, string>()
    let waiting: LogLine[] = []
    let hasBegun = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = () => {
      timer = undefined
      const lines = waiting
      waiting = []
      setBlocks(before => appended(before, lines))
    }
    const follow = async () => {
      const { body } = await exchange.stream({
        method: 'GET',
        path: `/api/v1/workspaces/${encodeURIComponent(workspace)}/endpoints/${encodeURIComponent(endpoint)}/logs`,
        // Lines without a time cannot be told from those that were there before.
        query: {
          tail: hasBegun && newest.size === 0 ? 0 : 500,
          follow: !previous,
          previous,
          replica: replica || undefined,
        },
        headers: { accept: 'application/x-ndjson' },
        signal,
      })
      setCut(false)
      hasBegun = true
      // Until then nothing that was there before is told of again.
      const known = new Map(newest)
      for await (const lines of linesOf(body)) {
        const fresh = unseen(lines, known)
        for (const { at, replica: name } of fresh) if (at !== undefined) newest.set(name, at)
        waiting.push(...fresh)
        timer ??= setTimeout(show, together)
      }
    }
    const run = async () => {
      while (!signal.aborted) {
        try {
          await follow()
          if (previous) return
        } catch (error) {
          if (signal.aborted) return
          if (isFinal(error)) {
            setFault(error)
            return
          }
          setCut(true)
        }
        await new Promise(done => setTimeout(done, again))
      }
    }
    setBlocks([])
    setFault(undefined)
    setCut(false)
    if (there !== '') void run()
    return () => {
      clearTimeout(timer)
      own.abort()
    }
  }, [exchange, workspace, endpoint, replica, previous, there])
  return { blocks, isCut, fault, clear: () => setBlocks([]) }
}
