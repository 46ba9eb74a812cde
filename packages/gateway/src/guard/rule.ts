// What a guard is told: rules, what they find, and what they need from outside.
import type { PiiType } from '@switchyard/kinds'

export type Action = 'block' | 'redact' | 'flag'
export type Sensitivity = 'low' | 'medium' | 'high'

interface Common {
  readonly name: string
  readonly stage: 'request' | 'response' | 'both'
  readonly action: Action
  /** When the check itself fails: `closed` refuses, `open` lets pass and records it. */
  readonly onFailure: 'closed' | 'open'
  /** What stands in a redacted span's place; default `[REDACTED:keyword]`, `[REDACTED:email]` and so on. */
  readonly mark?: string
}

export type GuardRule = Common &
  (
    | { readonly kind: 'keyword'; readonly words: readonly string[] }
    | { readonly kind: 'pattern'; readonly patterns: readonly string[] }
    | { readonly kind: 'pii'; readonly types: readonly PiiType[] }
    | { readonly kind: 'injection'; readonly sensitivity: Sensitivity }
    | { readonly kind: 'schema'; readonly schema: Readonly<Record<string, unknown>> }
    | {
        readonly kind: 'webhook'
        readonly url: string
        /** Milliseconds that it has to answer. */
        readonly timeoutMs: number
        /** Value of the header `authorization`. */
        readonly authorization?: { reveal(): string }
      }
  )

/**
 * Why a check could not be made. `held`: more text would have to be held back than is allowed; `busy`: too many
 * checks wait for the thread.
 */
export type GuardFailure = 'timeout' | 'unavailable' | 'busy' | 'held'

/** What a rule has found, without the text. `count` is 0 where the check failed and the rule let pass. */
export interface Finding {
  readonly rule: string
  readonly kind: GuardRule['kind']
  readonly action: Action
  readonly count: number
  readonly failure?: GuardFailure
}

/** The rule that refuses; `failure` when it does because its check could not be made. */
export interface Blocked {
  readonly rule: string
  readonly failure?: GuardFailure
}

export interface WebhookReply {
  readonly status: number
  readonly body: string
}

/** POSTs `body`; `headers` are names and values in turn. Rejects when there is no whole answer. */
export type Send = (
  url: string,
  headers: readonly string[],
  body: string,
  signal: AbortSignal,
) => Promise<WebhookReply>

/** A half-open range of UTF-16 units. */
export interface Found {
  readonly start: number
  readonly end: number
}

export type Checked<T> = { readonly value: T } | { readonly failure: GuardFailure }

/** Runs what operators wrote away from the loop. */
export interface Checker {
  /** Every match of each pattern in the text. */
  find(patterns: readonly string[], text: string): Promise<Checked<readonly Found[]>>
  /** Whether the text is JSON that the schema allows; `schema` is its JSON text. */
  fits(schema: string, text: string): Promise<Checked<boolean>>
}

export interface GuardContext {
  readonly model: string
  readonly requestId: string
  readonly checker: Checker
  readonly send: Send
  /** Ends what still waits when the call ends. */
  readonly signal?: AbortSignal
}
