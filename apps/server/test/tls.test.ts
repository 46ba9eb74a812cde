// Certificates of a listener that change while it serves.
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import { Fault } from '@switchyard/kinds'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { certificateFor, type Pair } from '../../../packages/gateway/test/certificates.ts'
import { type CertificateOptions, openCertificates, type TlsFiles, type TlsObservation } from '../src/tls.ts'

let first: Pair
let second: Pair
let client: Pair
let folder: string
let files: TlsFiles
let server: Server
let stack: DisposableStack
/** What was observed and not yet asked for. */
let seen: TlsObservation[]
let told: (() => void) | undefined

beforeAll(() => {
  first = certificateFor('first.example.com')
  second = certificateFor('second.example.com')
  client = certificateFor('client.example.com')
})

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchyard-tls-'))
  files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }
  stack = new DisposableStack()
  seen = []
  write(first)
})

afterEach(() => {
  stack.dispose()
  rmSync(folder, { recursive: true })
})

/** As `certbot` and Kubernetes do: another file takes the name. */
function write(pair: Partial<Pair>, where: TlsFiles = files): void {
  for (const [path, text] of [
    [where.cert, pair.cert],
    [where.key, pair.key],
  ] as const) {
    if (text === undefined) continue
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
  }
}

const observe = (observation: TlsObservation) => {
  seen.push(observation)
  told?.()
}

/** The next observation of this type; those before it are passed over. */
async function next<T extends TlsObservation['type']>(
  type: T,
): Promise<Extract<TlsObservation, { type: T }>> {
  for (;;) {
    const found = seen.shift()
    if (found?.type === type) return found as Extract<TlsObservation, { type: T }> // its type was compared
    if (found) continue
    await new Promise<void>(resolve => {
      told = resolve
    })
  }
}

async function serve(given: TlsFiles = files, options: Partial<CertificateOptions> = {}): Promise<void> {
  const certificates = stack.use(await openCertificates(given, { observe, ...options }))
  server = createServer({ ...certificates.options }, (_, response) => response.end('ok'))
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  certificates.follow(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await next('certificate_loaded')
}

/** The answer and the certificate's name, or what the error says. */
function call(options: ConnectionOptions = {}): Promise<string> {
  const { port } = server.address() as AddressInfo // it listens on TCP
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca: [first.cert, second.cert],
    checkServerIdentity: () => undefined,
    ...options,
  })
  let got = ''
  socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  socket.on('data', bytes => {
    got += bytes.toString()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.code} ${error.message}`))
  let name = ''
  socket.on('secureConnect', () => {
    name = String(socket.getPeerCertificate().subject.CN)
  })
  socket.on('close', () =>
    resolve(got.endsWith('ok\r\n0\r\n\r\n') || got.endsWith('ok') ? name : `broken off: ${got}`),
  )
  return promise
}

describe('a certificate', () => {
  it('is exchanged under load, without a failed call', async () => {
    await serve()
    const answers: string[] = []
    let running = true
    const load = Array.from({ length: 4 }, async () => {
      while (running) answers.push(await call())
    })
    write(second)
    const { subject, until } = await next('certificate_loaded')
    while (answers.at(-1) !== 'second.example.com') await call()
    running = false
    await Promise.all(load)
    expect(subject).toBe('CN=second.example.com')
    expect(Date.parse(until)).toBeGreaterThan(Date.now())
    expect(new Set(answers)).toEqual(new Set(['first.example.com', 'second.example.com']))
  })

  it('that is broken is told once, and the last good one stays until there is a better one', async () => {
    await serve(files, { poll: 30 })
    write({ cert: second.cert })
    const { error } = await next('certificate_failed')
    expect(error.message).toContain('is not the private key of')
    expect(await call()).toBe('first.example.com')
    write({ cert: 'nonsense' })
    expect((await next('certificate_failed')).error.message).toContain('holds no certificate')
    rmSync(files.key)
    expect((await next('certificate_failed')).error.message).toContain('cannot be read')
    expect(await call()).toBe('first.example.com')
    expect(seen).toEqual([])
    write(second)
    await next('certificate_loaded')
    expect(await call()).toBe('second.example.com')
  })

  it('is found by the poll when a link to its folder is exchanged', async () => {
    for (const [name, pair] of [
      ['one', first],
      ['two', second],
    ] as const) {
      mkdirSync(join(folder, name))
      write(pair, { cert: join(folder, name, 'tls.crt'), key: join(folder, name, 'tls.key') })
    }
    symlinkSync('one', join(folder, 'live'))
    await serve({ cert: join(folder, 'live', 'tls.crt'), key: join(folder, 'live', 'tls.key') }, { poll: 30 })
    expect(await call()).toBe('first.example.com')
    symlinkSync('two', join(folder, 'next'))
    renameSync(join(folder, 'next'), join(folder, 'live'))
    await next('certificate_loaded')
    expect(await call()).toBe('second.example.com')
  })

  it('that cannot be used at the start is refused', async () => {
    const open = () => openCertificates(files, { observe })
    write({ key: second.key })
    await expect(open()).rejects.toThrow(Fault)
    write({ key: 'none' })
    await expect(open()).rejects.toMatchObject({ code: 'invalid', reason: 'certificate' })
    rmSync(files.cert)
    await expect(open()).rejects.toThrow(/tls\.crt cannot be read/)
    expect(seen).toEqual([])
  })

  it('is not looked at after it was let go of', async () => {
    const certificates = await openCertificates(files, { observe, poll: 10 })
    certificates[Symbol.dispose]()
    certificates[Symbol.dispose]()
    write(second)
    const again = await openCertificates(files, { observe })
    again[Symbol.dispose]()
    expect(seen.map(observation => observation.type === 'certificate_loaded' && observation.subject)).toEqual(
      ['CN=first.example.com', 'CN=second.example.com'],
    )
  })
})

describe('a listener', () => {
  it('speaks TLS 1.2 and later, and nothing older', async () => {
    await serve()
    expect(await call({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).toBe('first.example.com')
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    expect(await call(old)).toMatch(/alert protocol version/)
  })

  it('lets in only clients that its authorities vouch for, also after a change', async () => {
    const clientCa = join(folder, 'clients.pem')
    writeFileSync(clientCa, client.cert)
    await serve({ ...files, clientCa })
    expect(await call()).toMatch(/^ERR_SSL|^ECONNRESET|^broken off/)
    expect(await call(second)).toMatch(/^ERR_SSL|^ECONNRESET|^broken off/)
    expect(await call(client)).toBe('first.example.com')
    write(second)
    await next('certificate_loaded')
    expect(await call(client)).toBe('second.example.com')
    expect(await call()).toMatch(/^ERR_SSL|^ECONNRESET|^broken off/)
    await expect(openCertificates({ ...files, clientCa: files.key }, { observe })).rejects.toThrow(
      /holds no certificate/,
    )
  })

  it('may only ask clients for a certificate', async () => {
    const clientCa = join(folder, 'clients.pem')
    writeFileSync(clientCa, client.cert)
    await serve({ ...files, clientCa, clientRequired: false })
    expect(await call()).toBe('first.example.com')
  })
})
