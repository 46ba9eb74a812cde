// Names of members as every reader decodes them.
import { escapedName } from '../scan.ts'

/** Bytes beyond which no governed name is written, each letter of it escaped. */
const longestName = 6 * 12

/** The decoded name; undefined for one that is too long to govern. */
export function memberName(bytes: Buffer, start: number, end: number): string | undefined {
  if (end - start > longestName) return undefined
  const text = bytes.toString('utf8', start, end)
  if (!escapedName(bytes, start, end)) return text
  const decoded: unknown = JSON.parse(`"${text}"`)
  return typeof decoded === 'string' ? decoded : undefined
}
