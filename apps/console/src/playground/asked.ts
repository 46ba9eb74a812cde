// One whole answer that is not a chat, and how it stands.
import { Fault } from '@switchyard/kinds/fault'
import { useMutation } from '@tanstack/react-query'
import { type Caller, call } from '../api/gateway.ts'
import { useExchange } from '../session/context.tsx'
import { refusedBy } from './run.ts'
import type { Refused, Told } from './thread.ts'

interface Done<T> {
  readonly value: T
  readonly told: Told
}

export interface Asked<T, I> {
  readonly ask: (input: I) => void
  readonly isPending: boolean
  readonly done: Done<T> | undefined
  readonly refused: Refused | undefined
}

interface Asking<T, I> {
  readonly caller: Caller
  readonly path: string
  readonly body: (input: I) => unknown
  /** Throws `internal` for an answer of another shape. */
  readonly read: (body: unknown, input: I) => { readonly value: T; readonly input?: number }
}

export function useAsked<T, I>({ caller, path, body, read }: Asking<T, I>): Asked<T, I> {
  const exchange = useExchange()
  const asked = useMutation({
    mutationFn: async (input: I): Promise<Done<T>> => {
      const began = performance.now()
      const { request, body: answer } = await call(exchange, caller, path, body(input))
      const total = performance.now() - began
      const { value, input: tokens } = read(answer, input)
      const told = { request, workspace: caller.workspace, total }
      return { value, told: tokens === undefined ? told : { ...told, tokens: { input: tokens, output: 0 } } }
    },
  })
  const { error } = asked
  if (error && !(error instanceof Fault)) throw error
  return {
    ask: asked.mutate,
    isPending: asked.isPending,
    done: asked.data,
    refused: error ? refusedBy(error, asked.submittedAt) : undefined,
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const linesOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')

export const otherShape = () =>
  new Fault('internal', 'The model answered in another shape than is known.', { reason: 'other_shape' })

/** Tokens of the prompt, where the answer tells them. */
export function promptTokens(body: Record<string, unknown>): number | undefined {
  const { usage } = body
  return isRecord(usage) && typeof usage.prompt_tokens === 'number' ? usage.prompt_tokens : undefined
}
