// The certificate of a listener: read from its files, followed as they change, and exchanged without a restart. A
// watch wakes, a poll knows: what a watch misses, such as a folder exchanged by its link, is found by the next poll.
import { X509Certificate } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createSecureContext, type Server, type TlsOptions } from 'node:tls'
import { Fault } from '@switchyard/kinds'
import type { Observe } from '@switchyard/runtime'

/** Paths of PEM files. */
export interface TlsFiles {
  /** The certificate, followed by those between it and its authority. */
  readonly cert: string
  /** Its private key, without a passphrase. */
  readonly key: string
  /** Certificates of the authorities that vouch for clients; none asks clients for nothing. */
  readonly clientCa?: string
  /** Refuses clients without a certificate of `clientCa`, default true; false only asks for one. */
  readonly clientRequired?: boolean
}

export type TlsObservation =
  | {
      readonly type: 'certificate_loaded'
      readonly subject: string
      /** RFC 3339. */
      readonly until: string
    }
  /** The files are broken, or gone: the last good ones stay in use. */
  | { readonly type: 'certificate_failed'; readonly error: Fault }
  | { readonly type: 'certificate_watch_failed'; readonly error: unknown }

export interface CertificateOptions {
  readonly observe: Observe<TlsObservation>
  /** Milliseconds between two polls of the files, default 60 000. */
  readonly poll?: number
}

export interface Certificates extends Disposable {
  /** For `createServer` of node:https or node:tls, as the files are now. */
  readonly options: TlsOptions
  /** Exchanges the server's certificate whenever the files change; connections that stand keep theirs. */
  follow(server: Server): void
}

/** The contents of the files. */
interface Pair {
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
}

/** A certificate and its key are written one after the other: they are read once nothing has changed for so long. */
const quietMilliseconds = 200
const defaultPoll = 60_000
const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** `invalid` when the files cannot be used as they are. */
export async function openCertificates(files: TlsFiles, options: CertificateOptions): Promise<Certificates> {
  const { observe, poll = defaultPoll } = options
  const servers = new Set<Server>()
  let current = await read(files)
  observe(loaded(check(current, files)))
  /** What was found broken, so that it is told once. */
  let broken = ''
  let quiet: NodeJS.Timeout | undefined
  let checking = false
  let closed = false

  const exchange = async (): Promise<void> => {
    try {
      const found = await read(files)
      const same = found.cert === current.cert && found.key === current.key && found.ca === current.ca
      if (closed) return
      if (!same) {
        const certificate = check(found, files)
        current = found
        for (const server of servers) server.setSecureContext(contextOf(current))
        observe(loaded(certificate))
      }
      broken = ''
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (!closed && error.message !== broken) observe({ type: 'certificate_failed', error })
      broken = error.message
    }
  }
  const look = (): void => {
    if (checking) return
    checking = true
    void exchange().finally(() => {
      checking = false
    })
  }
  const polling = setInterval(look, poll).unref()
  const watchers = watchFolders(files, observe, () => {
    clearTimeout(quiet)
    quiet = setTimeout(look, quietMilliseconds).unref()
  })

  return {
    get options() {
      const { clientCa, clientRequired = true } = files
      const clients = clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: clientRequired }
      return { ...contextOf(current), ...clients, ALPNProtocols: ['http/1.1'] }
    },
    follow(server) {
      servers.add(server)
      server.once('close', () => servers.delete(server))
    },
    [Symbol.dispose]() {
      closed = true
      clearInterval(polling)
      clearTimeout(quiet)
      for (const watcher of watchers) watcher.close()
      servers.clear()
    },
  }
}

function contextOf({ cert, key, ca }: Pair) {
  return { cert, key, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) } as const
}

async function read({ cert, key, clientCa }: TlsFiles): Promise<Pair> {
  const [one, other, ca] = await Promise.all([
    readText(cert),
    readText(key),
    clientCa === undefined ? undefined : readText(clientCa),
  ])
  return { cert: one, key: other, ca }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unusable(`${path} cannot be read: check its path and that this user may read it.`, cause)
  }
}

/** The first certificate, once all of it can be used together. */
function check(pair: Pair, { cert, key, clientCa }: TlsFiles): X509Certificate {
  const [first] = readCertificates(pair.cert, cert)
  if (pair.ca !== undefined) readCertificates(pair.ca, clientCa ?? '')
  try {
    createSecureContext(contextOf(pair))
  } catch (cause) {
    throw unusable(`${key} is not the private key of ${cert}, or needs a passphrase: write both anew.`, cause)
  }
  return first
}

function readCertificates(text: string, path: string): readonly [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...rest] = (text.match(pem) ?? []).map(block => new X509Certificate(block))
    if (first) return [first, ...rest]
  } catch (cause) {
    throw unusable(`${path} holds a certificate that cannot be read: write it anew, in PEM.`, cause)
  }
  throw unusable(`${path} holds no certificate: write it in PEM.`)
}

const unusable = (message: string, cause?: unknown) =>
  new Fault('invalid', message, { reason: 'certificate', cause })

const loaded = ({ subject, validToDate }: X509Certificate): TlsObservation => ({
  type: 'certificate_loaded',
  subject,
  until: validToDate.toISOString(),
})

/** Folders are watched, not files: a file that is replaced by renaming another is a new one. */
function watchFolders(
  { cert, key, clientCa }: TlsFiles,
  observe: Observe<TlsObservation>,
  changed: () => void,
): readonly FSWatcher[] {
  const paths = [cert, key, ...(clientCa === undefined ? [] : [clientCa])]
  return [...new Set(paths.map(path => dirname(path)))].flatMap(folder => {
    const failed = (error: unknown) => observe({ type: 'certificate_watch_failed', error })
    try {
      return [watch(folder, { persistent: false }, changed).on('error', failed)]
    } catch (error) {
      failed(error)
      return []
    }
  })
}
