// A key service as a program: `kms FILE wrap|unwrap ID`, bytes on stdin, AES-256-GCM under the key in the file.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

const [file = '', verb, id = ''] = process.argv.slice(2)
const key = Buffer.from(readFileSync(file, 'utf8'), 'base64')
const input = readFileSync(0)
if (verb === 'wrap') {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(id))
  process.stdout.write(Buffer.concat([nonce, cipher.update(input), cipher.final(), cipher.getAuthTag()]))
} else {
  const cipher = createDecipheriv('aes-256-gcm', key, input.subarray(0, 12)).setAAD(Buffer.from(id))
  cipher.setAuthTag(input.subarray(-16))
  process.stdout.write(Buffer.concat([cipher.update(input.subarray(12, -16)), cipher.final()]))
}
