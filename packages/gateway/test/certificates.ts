// Certificates made for one run of the tests, with the openssl of the machine.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Pair {
  readonly cert: string
  readonly key: string
}

/** Of the machine: Debian's package of this name. */
const openssl = 'openssl'

/** A certificate for these names or addresses that vouches for itself. */
export function certificateFor(...names: readonly string[]): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-cert-'))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  try {
    execFileSync(
      openssl,
      [
        'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'.split(' '),
        ['-keyout', key, '-out', cert, '-subj', `/CN=${names[0]}`],
        [
          '-addext',
          `subjectAltName=${names.map(name => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join()}`,
        ],
      ].flat(),
      { stdio: 'pipe' },
    )
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
