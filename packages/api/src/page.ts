// What the pages of the server share: their looks, and a policy that allows each only its own style and script.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Answer, nowhere, open, type Row } from './route.ts'

/** Both colour schemes, from a phone to a desk. */
export const pageStyle = `
:root{color-scheme:light dark;--line:#c5cdd5;--soft:#f3f5f7;--quiet:#57606a;--strong:#0b57d0;--on:#fff;--bad:#b3261e;font:16px/1.6 system-ui,"Noto Sans CJK SC",sans-serif}
@media (prefers-color-scheme:dark){:root{--line:#4a525c;--soft:#20252c;--quiet:#9aa4af;--strong:#8ab4f8;--on:#0b1a33;--bad:#f2b8b5}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;padding:2rem 1rem;display:grid;grid-template-columns:minmax(0,var(--width));place-content:center}
header{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:.25rem 1rem}
h1{font-size:1.6rem;line-height:1.25;margin:0}p,ul{margin:.25rem 0}a,.link{color:var(--strong)}.quiet{color:var(--quiet)}
pre{margin:.5rem 0 0;padding:.75rem 1rem;white-space:pre-wrap;overflow-wrap:anywhere;background:var(--soft);border:1px solid var(--line);border-radius:.5rem;font:.875rem/1.5 ui-monospace,monospace}
[hidden]{display:none!important}
`

const digest = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
export const escaped = (text: string) => text.replaceAll(/[&<>"]/g, character => escapes[character] ?? '')

/** `body` is HTML; a script may speak with this server alone. */
export function pageAnswer(page: {
  readonly language: string
  readonly title: string
  readonly style: string
  readonly body: string
  readonly script?: string
  readonly headers?: Readonly<Record<string, string>>
}): Answer {
  const { language, title, style, body, script, headers } = page
  const policy = [
    "default-src 'none'",
    `style-src ${digest(style)}`,
    ...(script === undefined ? [] : [`script-src ${digest(script)}`, "connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy.join('; '),
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      ...headers,
    },
    body: `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(title)}</title><style>${style}</style></head>
<body>${body}${script === undefined ? '' : `<script>${script}</script>`}</body></html>
`,
  }
}

/** A page for anyone: what it lets a person do is asked for by what it posts. */
export function pageRow(path: string, doc: string, page: () => Answer): Row {
  return open(
    'the page holds nothing; the link is spent by its POST',
    {
      method: 'GET',
      path,
      doc,
      locate: nowhere,
      output: [{ status: 200, doc: 'A page.', media: 'text/html', schema: z.string() }],
    },
    {},
    async () => page(),
  )
}
