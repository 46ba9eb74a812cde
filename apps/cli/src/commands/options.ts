// Readers of option values that several commands share.
import { InvalidArgumentError } from 'commander'

export function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1.')
  return Number(text)
}

export function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

/** An option that may be given several times. */
export const collect = (text: string, before: readonly string[] = []) => [...before, text]

/** `a,b c` given at once or several times, as one list. */
export const commaList = (text: string, before: readonly string[] = []) => [
  ...before,
  ...text
    .split(',')
    .map(part => part.trim())
    .filter(Boolean),
]
