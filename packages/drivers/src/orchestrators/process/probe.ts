// Asks a child whether it is alive and what it is doing, over loopback; a failed question is an answer too.
import { request } from 'node:http'

/** Status and body of a GET; undefined when there was no answer in time. Never rejects. */
export function ask(
  port: number,
  path: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string } | undefined> {
  return new Promise(resolve => {
    const whole = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const asked = request({ host: '127.0.0.1', port, path, agent: false, signal: whole }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        body += part
        if (body.length > 4 << 20) asked.destroy()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('close', () => resolve(undefined))
    })
    asked.on('error', () => resolve(undefined))
    asked.end()
  })
}
