// How many bytes, as people read it.
import type { Language } from '../words/index.ts'
import { localeOf } from './numbers.ts'

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `1.5 GiB`. */
export function bytesText(bytes: number, language: Language): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const written = new Intl.NumberFormat(localeOf(language), { maximumFractionDigits: power === 0 ? 0 : 1 })
  return `${written.format(bytes / 1024 ** power)} ${units[power]}`
}
