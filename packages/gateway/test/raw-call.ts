// One HTTP/1.1 request as it is written here, and everything that comes back: clients would add headers of their own.
import { once } from 'node:events'
import { connect } from 'node:net'

/** The whole answer, a character for each byte; the connection is closed after it. */
export async function callRaw(
  port: number,
  lines: readonly string[],
  body = Buffer.alloc(0),
): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  const head = [...lines, 'host: gateway', 'connection: close', '', ''].join('\r\n')
  socket.write(Buffer.concat([Buffer.from(head), body]))
  await once(socket, 'close')
  return Buffer.concat(parts).toString('latin1')
}
