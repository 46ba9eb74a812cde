// What is known of a model, in the person's language: from its header, never guessed.
import type { TFunction } from 'i18next'
import type { ModelDocument } from '../deploy/draft.ts'
import { bytesText } from '../parts/bytes.ts'
import { grouped, short } from '../parts/numbers.ts'
import type { Language } from '../words/index.ts'
import './words.ts'

export interface Known {
  readonly parameters: number | undefined
  readonly context: number | undefined
  readonly quantisation: string | undefined
  readonly architecture: string | undefined
  readonly bytes: number | undefined
}

export function knownOf({ status: { facts = {}, files } }: ModelDocument): Known {
  const number = (name: string) => {
    const value = facts[name]?.value
    return typeof value === 'number' ? value : undefined
  }
  const text = (name: string) => {
    const value = facts[name]?.value
    return typeof value === 'string' ? value : undefined
  }
  return {
    parameters: number('parameter_count'),
    context: number('context_length'),
    quantisation: text('quantisation'),
    architecture: text('architecture'),
    bytes: files?.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

/** `Chat · 7.2B parameters · 4.1 GiB · Q4_K_M · 8,192 tokens of context`. */
export function factsLine(model: ModelDocument, language: Language, t: TFunction<'library'>): string {
  const { parameters, context, quantisation, bytes } = knownOf(model)
  return [
    t(`tasks.${model.spec.task}`),
    parameters === undefined ? undefined : t('parametersOf', { number: short(String(parameters), language) }),
    bytes === undefined ? undefined : bytesText(bytes, language),
    quantisation,
    context === undefined ? undefined : t('contextOf', { tokens: grouped(String(context), language) }),
    model.spec.license,
  ]
    .filter(text => text !== undefined)
    .join(' · ')
}
