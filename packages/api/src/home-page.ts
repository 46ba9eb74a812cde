// What a browser meets at the root: what this is and where to go on, in English and Chinese, without a script.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Answer } from './route.ts'

export const homeQuerySchema = z.strictObject({
  lang: z.enum(['en', 'zh']).optional().describe('Language of the page; by Accept-Language when absent.'),
})

export const homeSchema = z.object({
  name: z.literal('Switchyard'),
  version: z.string(),
  openapi: z.string().describe('Path of the description of the API.'),
})

type Language = 'en' | 'zh'

const words = {
  en: {
    tag: 'en',
    lead: 'Runs AI models, puts one gateway before them, and meters every request.',
    version: 'Version',
    start: 'First start?',
    setUp:
      'Open the set-up link that the server printed when it started. It makes the first administrator, and works once.',
    call: 'Call a model',
    key: 'With an API key in SWITCHYARD_TOKEN:',
    read: 'Go on',
    openapi: 'Description of the API (OpenAPI 3.1)',
    ready: 'Is it ready?',
    other: '中文',
    otherTag: 'zh',
  },
  zh: {
    tag: 'zh-CN',
    lead: '运行 AI 模型，提供统一网关，并计量每一个请求。',
    version: '版本',
    start: '首次启动？',
    setUp: '请打开服务器启动时打印的设置链接，用它创建第一位管理员。该链接只能使用一次。',
    call: '调用模型',
    key: '将 API 密钥放入 SWITCHYARD_TOKEN：',
    read: '继续了解',
    openapi: 'API 描述（OpenAPI 3.1）',
    ready: '服务是否就绪？',
    other: 'English',
    otherTag: 'en',
  },
} as const satisfies Record<Language, unknown>

const style = `
:root{color-scheme:light dark;--line:#d0d7de;--soft:#f3f5f7;--quiet:#57606a;--link:#0b57d0;font:16px/1.6 system-ui,"Noto Sans CJK SC",sans-serif}
@media (prefers-color-scheme:dark){:root{--line:#3d444d;--soft:#20252c;--quiet:#9aa4af;--link:#8ab4f8}}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:2rem 1rem;box-sizing:border-box}
main{width:100%;max-width:40rem}header{display:flex;justify-content:space-between;align-items:baseline;gap:1rem}
h1{font-size:1.75rem;line-height:1.2;margin:0}h2{font-size:1rem;margin:1.75rem 0 .25rem}p,ul{margin:.25rem 0}
ul{padding-left:1.25rem}.quiet{color:var(--quiet)}a{color:var(--link)}
pre{margin:.5rem 0 0;padding:.75rem 1rem;overflow-x:auto;background:var(--soft);border:1px solid var(--line);border-radius:.5rem;font:.875rem/1.5 ui-monospace,monospace}
`

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, character => escapes[character] ?? '')

function page(language: Language, version: string, url: string): string {
  const say = words[language]
  const base = escaped(new URL('/v1', url).href)
  return `<!doctype html>
<html lang="${say.tag}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Switchyard</title><style>${style}</style></head>
<body><main>
<header><h1>Switchyard</h1><a href="/?lang=${say.otherTag}" hreflang="${say.otherTag}" lang="${say.otherTag}">${say.other}</a></header>
<p>${say.lead}</p>
<p class="quiet">${say.version} ${escaped(version)}</p>
<h2>${say.start}</h2>
<p>${say.setUp}</p>
<h2>${say.call}</h2>
<p>${say.key}</p>
<pre>curl ${base}/models \\
  -H "Authorization: Bearer $SWITCHYARD_TOKEN"</pre>
<h2>${say.read}</h2>
<ul><li><a href="/api/v1/openapi.json">${say.openapi}</a></li>
<li><a href="/readyz">${say.ready}</a></li></ul>
</main></body></html>
`
}

/** The language that weighs more in Accept-Language, of the two that there are; English when neither is named. */
export function languageOf(accepted: string | undefined): Language {
  const weight = (language: Language) =>
    Math.max(
      0,
      ...(accepted ?? '').split(',').flatMap(part => {
        const [tag = '', ...parameters] = part.split(';').map(text => text.trim().toLowerCase())
        if (tag !== language && !tag.startsWith(`${language}-`)) return []
        const q = parameters.find(parameter => parameter.startsWith('q='))
        const given = q === undefined ? 1 : Number(q.slice(2))
        return Number.isFinite(given) ? [given] : []
      }),
    )
  return weight('zh') > weight('en') ? 'zh' : 'en'
}

export function home(
  about: { readonly version: string; readonly url: string },
  headers: { readonly accept?: string | undefined; readonly 'accept-language'?: string | undefined },
  chosen: Language | undefined,
): Answer {
  const vary = { vary: 'Accept, Accept-Language' }
  if (!headers.accept?.includes('text/html'))
    return {
      status: 200,
      headers: vary,
      body: { name: 'Switchyard', version: about.version, openapi: '/api/v1/openapi.json' },
    }
  return {
    status: 200,
    headers: {
      ...vary,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-cache',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
    },
    body: page(chosen ?? languageOf(headers['accept-language']), about.version, about.url),
  }
}
