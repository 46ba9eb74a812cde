// The console: one page for every address below /console, under a policy that allows its own files alone.
import { randomBytes } from 'node:crypto'
import { Fault } from '@switchyard/kinds'
import { z } from 'zod'
import { escaped, pageAnswer, pageStyle } from './page.ts'
import { type Answer, type Ask, nowhere, open, type Row } from './route.ts'

/** The built files of the console. */
export interface ConsoleFiles {
  /** The page that loads the rest; its styles and scripts carry `nonce`. */
  page(nonce: string): string
  /** One of its assets, by a name that holds a hash of it. */
  asset(name: string): ConsoleAsset | undefined
}

export interface ConsoleAsset {
  readonly type: string
  readonly bytes: Uint8Array
  /** The same compressed, where that is smaller. */
  readonly brotli?: Uint8Array
  readonly gzip?: Uint8Array
}

const reason = 'the console holds nothing; what it shows it asks for as its user'

const common = {
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

function pageHeaders(nonce: string) {
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    ...common,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'x-frame-options': 'DENY',
  }
}

const absent = (): Answer => ({
  ...pageAnswer({
    language: 'en',
    title: 'Switchyard',
    style: `:root{--width:40rem}${pageStyle}`,
    body: `<main><h1>${escaped('The console is not built')}</h1><p>Run <code>npm run build -w @switchyard/console</code> and start the server again.</p>
<p lang="zh-CN">控制台尚未构建。请运行上述命令，然后重新启动服务器。</p></main>`,
  }),
  status: 501,
})

/** As small as the browser takes it. */
function assetAnswer({ type, bytes, brotli, gzip }: ConsoleAsset, accepted: string): Answer {
  const headers = {
    ...common,
    'content-type': type,
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'Accept-Encoding',
  }
  const names = accepted.split(',').map(part => part.trim().split(';')[0])
  if (brotli && names.includes('br'))
    return { status: 200, headers: { ...headers, 'content-encoding': 'br' }, body: brotli }
  if (gzip && names.includes('gzip'))
    return { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: gzip }
  return { status: 200, headers, body: bytes }
}

export function consoleRows(files: ConsoleFiles | undefined): readonly Row[] {
  const html = [{ status: 200, doc: 'A page.', media: 'text/html', schema: z.string() }]
  const page = async (): Promise<Answer> => {
    if (!files) return absent()
    const nonce = randomBytes(18).toString('base64')
    return { status: 200, headers: pageHeaders(nonce), body: files.page(nonce) }
  }
  const row = (path: string, doc: string, handle: (ask: Ask) => Promise<Answer>) =>
    open(reason, { method: 'GET', path, doc, locate: nowhere, output: html }, {}, handle)
  return [
    row('/console', 'The console.', page),
    row('/console/{path*}', 'An address within the console.', page),
    row('/console/assets/{name}', 'A file of the console.', async ({ params: { name = '' }, headers }) => {
      const asset = files?.asset(name)
      if (!asset)
        throw new Fault('not_found', `The console has no file ${name}. Load the page again.`, {
          reason: 'unknown_path',
        })
      return assetAnswer(asset, String(headers['accept-encoding'] ?? ''))
    }),
  ]
}
