// What a browser meets at the root: what this is and where to go on, in English and Chinese, without a script.
import { z } from 'zod'
import { escaped, pageAnswer, pageStyle } from './page.ts'
import type { Answer } from './route.ts'

export const homeSchema = z.object({
  name: z.literal('Switchyard'),
  version: z.string(),
  openapi: z.string().describe('Path of the description of the API.'),
})

type Language = 'en' | 'zh'

interface About {
  readonly version: string
  /** Public address of this installation. */
  readonly url: string
}

const words = {
  en: {
    tag: 'en',
    lead: 'Runs AI models, puts one gateway before them, and meters every request.',
    version: 'Version',
    console: 'Open the console',
    start: 'First start?',
    setUp:
      'Open the set-up link that the server printed when it started. It makes the first administrator, and works once.',
    call: 'Call a model',
    key: 'With an API key in SWITCHYARD_TOKEN:',
    read: 'Go on',
    openapi: 'Description of the API (OpenAPI 3.1)',
    ready: 'Is it ready?',
    other: 'zh',
    otherName: '中文',
  },
  zh: {
    tag: 'zh-CN',
    lead: '运行 AI 模型，提供统一网关，并计量每一个请求。',
    version: '版本',
    console: '打开控制台',
    start: '首次启动？',
    setUp: '请打开服务器启动时打印的设置链接，用它创建第一位管理员。该链接只能使用一次。',
    call: '调用模型',
    key: '将 API 密钥放入 SWITCHYARD_TOKEN：',
    read: '继续了解',
    openapi: 'API 描述（OpenAPI 3.1）',
    ready: '服务是否就绪？',
    other: 'en',
    otherName: 'English',
  },
} as const satisfies Record<Language, unknown>

// Both languages are in the page, and the link shows the other: no address of its own, no script.
const style = `:root{--width:40rem}${pageStyle}h2{font-size:1rem;margin:1.75rem 0 .25rem}ul{padding-left:1.25rem}
section+section:not(:target),main:has(section:target) section:not(:target){display:none}
`

function section(language: Language, about: About): string {
  const say = words[language]
  const models = escaped(new URL('/v1/models', about.url).href)
  return `<section id="${language}" lang="${say.tag}">
<header><h1>Switchyard</h1><a href="#${say.other}" lang="${say.other}">${say.otherName}</a></header>
<p>${say.lead}</p>
<p class="quiet">${say.version} ${escaped(about.version)}</p>
<p><a href="/console">${say.console}</a></p>
<h2>${say.start}</h2>
<p>${say.setUp}</p>
<h2>${say.call}</h2>
<p>${say.key}</p>
<pre>curl ${models} \\
  -H "Authorization: Bearer $SWITCHYARD_TOKEN"</pre>
<h2>${say.read}</h2>
<ul><li><a href="/api/v1/openapi.json">${say.openapi}</a></li>
<li><a href="/readyz">${say.ready}</a></li></ul>
</section>
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
  about: About,
  headers: { readonly accept?: string | undefined; readonly 'accept-language'?: string | undefined },
): Answer {
  const vary = { vary: 'Accept, Accept-Language' }
  if (!headers.accept?.includes('text/html'))
    return {
      status: 200,
      headers: vary,
      body: { name: 'Switchyard', version: about.version, openapi: '/api/v1/openapi.json' },
    }
  const language = languageOf(headers['accept-language'])
  return pageAnswer({
    language: words[language].tag,
    title: 'Switchyard',
    style,
    body: `<main>${section(language, about)}${section(words[language].other, about)}</main>`,
    headers: { ...vary, 'cache-control': 'no-cache' },
  })
}
