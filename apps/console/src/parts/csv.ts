// A table as a file of comma-separated values, which the browser keeps.
import { keepText } from './keep.ts'

/** The first line holds the titles of the columns. */
export function keepCsv(name: string, lines: readonly (readonly string[])[]): void {
  // A cell that a spreadsheet would take for a formula is text.
  const cell = (text: string) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
  }
  const csv = lines.map(line => line.map(cell).join(',')).join('\r\n')
  keepText(`${name}.csv`, `\ufeff${csv}`, 'text/csv')
}
