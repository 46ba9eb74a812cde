// A connection to a server that holds back whatever the server says, for as long as it is told to.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface SlowLink extends AsyncDisposable {
  readonly port: number
  /** Milliseconds by which every answer comes later from now on. */
  delay(milliseconds: number): void
}

export async function slowLink(to: number): Promise<SlowLink> {
  let milliseconds = 0
  const sockets = new Set<Socket>()
  const server = createServer(near => {
    const far = connect(to, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    near.on('data', part => far.write(part))
    far.on('data', part => {
      if (milliseconds === 0) near.write(part)
      else setTimeout(() => near.write(part), milliseconds)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('the port of a socket is a number')
  return {
    port: address.port,
    delay(given) {
      milliseconds = given
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
