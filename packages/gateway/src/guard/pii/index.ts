// Kinds of personal data as rows: where one can begin, and what reads it.
import type { PiiType } from '@switchyard/kinds'
import { email } from './email.ts'
import { bankCard, cnPassport, cnPhone, iban, ipv4, phone, residentId, usSsn } from './number.ts'
import { secret } from './secret.ts'
import type { Reads } from './text.ts'

export { more, none, View } from './text.ts'

export interface PiiRow {
  readonly type: PiiType
  readonly reads: Reads
}

const digits = '0123456789'
const letters = 'abcdefghijklmnopqrstuvwxyz'

const rows = {
  email: { starts: `${digits}${letters}_%+.-`, reads: email },
  phone: { starts: '+(23456789', reads: phone },
  cn_phone: { starts: '+018', reads: cnPhone },
  cn_resident_id: { starts: digits, reads: residentId },
  cn_passport: { starts: 'eg', reads: cnPassport },
  bank_card: { starts: digits, reads: bankCard },
  iban: { starts: letters, reads: iban },
  ipv4: { starts: digits, reads: ipv4 },
  us_ssn: { starts: digits, reads: usSsn },
  secret: { starts: '-aeghnrsx', reads: secret },
} as const satisfies Record<PiiType, { readonly starts: string; readonly reads: Reads }>

/** The rows of these types that can begin with a unit, by the unit. */
export function piiTable(types: ReadonlySet<PiiType>): readonly (readonly PiiRow[] | undefined)[] {
  const table: PiiRow[][] = []
  for (const type of types) {
    const row = rows[type]
    for (const start of row.starts) {
      const unit = start.charCodeAt(0)
      const known = table[unit] ?? []
      table[unit] = known
      known.push({ type, reads: row.reads })
    }
  }
  return table
}
