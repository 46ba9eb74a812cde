// What each dialect's upstream says, as its provider writes it: answers, streams in events, refusals, faults. What is
// done with that (cut, delayed, spoilt) stands in `acts.ts` and is the same for all of them.

/** What is answered: three words; a call of the tool `weather` for Oslo; the thought `hm` before three words. */
export type Content = 'text' | 'tools' | 'reasoning'

/** A stream in events, each as it is written. */
export interface Script {
  readonly events: readonly string[]
  /** Index of the first event with content: before it nothing may have left for a caller. */
  readonly first: number
  /** Index of the event with which nothing of the answer is missing any more. */
  readonly whole: number
}

/** Why an upstream refuses the request itself. */
export type Refusal = 'context length' | 'content filter' | 'other'

export interface Speaker {
  readonly streamType: string
  /** `usage`: the request asks for usage on its stream, where the dialect has such a wish. */
  script(content: Content, usage: boolean): Script
  reply(content: Content): string
  /** The body of a status of 400 and more. Its text holds `secret` and must not reach a caller. */
  failure(status: number): string
  /** The body of a 400 whose text may reach a caller. */
  refusal(why: Refusal): string
  /** An error in the place of an event; and what it says by its own code, as a status. */
  readonly errorEvent: string
  readonly errorMeans: number
  /** The same as a whole body, with the status 200. */
  readonly errorReply: string
  /** What keeps a stream alive without content. */
  readonly ping: string
  /** An event that cannot be read. */
  readonly malformed: string
}

export const model = 'upstream-name'
export const words = ['one', ' two', ' three'] as const
export const said = words.join('')
export const thought = 'hm'
export const tool = { name: 'weather', args: { city: 'Oslo' } } as const
export const tokens = { input: 7, output: 3 } as const

/** What is said where no caller may see it. */
export const secret = 'secret: the key sk-upstream-4f9a is not known at 10.0.0.1'

export const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`
export type Told = { readonly type: string } & Readonly<Record<string, unknown>>
export const named = (data: Told) => `event: ${data.type}\n${event(data)}`
