// Every screen is walked in Chinese and in English: no word is of the other language, the browser complains of nothing,
// axe finds nothing serious, and everything fits a phone.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { kinds } from '@switchyard/kinds'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { useConsole } from './bed.ts'
import { ada, findingsOf, hasChromium, ours } from './browser.ts'
import { misfitsOf } from './fits.ts'
import { furnish } from './furnish.ts'
import { type Said, settle, textsOf } from './screen-texts.ts'

const router = resolve(import.meta.dirname, '../../apps/console/src/router.tsx')

/** Words that are the same in every language: our own name, formats, protocols, units, names of other people's things. */
const known = new Set(
  `Switchyard API APIs JSON YAML CSV URL URLs ID IDs HTTP HTTPS TLS MCP JWT JWKS JWK OpenID Connect OIDC SSO SQL PEM CIDR IP SHA HMAC
  GPU GPUs CPU NPU TPU VRAM GiB MiB KiB GB MB KB ms min TTFT TPOT SLO RPM TPM KV LoRA GGUF UTC ISO IANA TTL UI OK CLI SDK PDF PNG
  OpenAI Anthropic Gemini DeepSeek Ollama vLLM SGLang llama cpp Kubernetes Ray Docker Slurm PostgreSQL Redis Linux NVIDIA
  Python TypeScript JavaScript curl Node Go Java Ctrl Cmd Alt Shift Enter Esc Tab Markdown RFC Merkle Ed25519
  VAT CN HS CA JSON Web Key Set Escape gguf argv https userinfo
  token Token tokens Tokens Prometheus OpenTelemetry Chat Completions Responses Messages Base64 UUID MIT OpenAPI Top USD EUR CNY GBP JPY`.split(
    /\s+/,
  ),
)

/** What is not a word: addresses, e-mails, permissions, ids, paths, versions, names in back quotes, `key=value`. */
const notWords = [
  /Mozilla\/.*$/g,
  // Of the trail: kinds that are no documents, and what they are called.
  /^(Session|SigningKey|SealedValue)\b.*$/g,
  /\bx-request-id\b/g,
  /\b(prepaid|postpaid)\b/g,
  /\bsk-sy\b/g,
  /\bname: value\b/g,
  /`[^`]*`/g,
  /\b\w+:\/\/\S+/g,
  /\S+@\S+\.\w+/g,
  /\b[a-z_]+:[a-z_*]+/g,
  /[\w.*-]*[/_=.][\w./*=-]+/g,
  /\b[\da-f]{8}-[\da-f-]{27,}\b/g,
  /\b\w*\d\w*(?:-[\w-]+)?\b/g,
  /\{\{?\w+\}\}?/g,
]

const latin = /[A-Za-z][A-Za-z'’]+/g
const han = /\p{Script=Han}/u
/** The other language's own name, and what a tax number is called where it is one. */
const names = /^中文$|纳税人识别号/g

type Read = (text: string) => readonly string[]

/** Words of a text in Chinese that are of no Chinese; `data` are what documents hold, whose words are their writers'. */
const untranslated =
  (data: ReadonlySet<string>): Read =>
  text => {
    if (data.has(text)) return []
    if (text.split(/\s*[,，、/·()（）]\s*|\s+/).every(part => data.has(part) || !/[A-Za-z]/.test(part)))
      return []
    let rest = text
    // A datum that is a plain word might be a word of ours within a sentence.
    for (const datum of data) if (/[^a-z]/.test(datum) && datum.length > 3) rest = rest.replaceAll(datum, ' ')
    for (const form of notWords) rest = rest.replaceAll(form, ' ')
    return (rest.match(latin) ?? []).filter(word => !known.has(word))
  }

const chineseIn =
  (data: ReadonlySet<string>): Read =>
  text =>
    han.test(text.replaceAll(names, '')) && !data.has(text) ? [text] : []

/** Values and names that JSON Schemas hold: `enum`, `const`, `default`, and the members of `properties`. */
function literals(value: unknown, key = ''): readonly string[] {
  if (typeof value === 'string') return ['enum', 'const', 'default'].includes(key) ? [value] : []
  if (Array.isArray(value)) return value.flatMap(one => literals(one, key))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, one]) => [
    ...(key === 'properties' ? [name] : []),
    ...literals(one, key === 'default' ? key : name),
  ])
}

/** Every text within a value; what the server decides to say (phases, reasons) is no datum. */
function leaves(value: unknown, path = ''): readonly string[] {
  if (/\.(?:phase|conditions)$/.test(path)) return []
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(one => leaves(one, path))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) =>
    /(?:labels|annotations)$/.test(path) ? [key, ...leaves(one)] : leaves(one, `${path}.${key}`),
  )
}

const phone = { width: 390, height: 844 }

describe.skipIf(!hasChromium)('the words of the console', { timeout: 900_000 }, () => {
  const opened = useConsole(({ yard }) => furnish(yard))
  const data = new Set<string>()
  /** Values that fields take, and names of fields. */
  const literal = new Set<string>()
  /** Of screens that no kind makes, then of each kind: its list, the form of a new one, and its first document. */
  const addresses: string[] = []

  beforeAll(async () => {
    const { yard } = opened
    // What is written in a document is a word of nobody's language: forms tell it as it is written.
    for (const word of literals(await opened.read('/api/v1/kinds'))) if (!han.test(word)) literal.add(word)
    for (const text of [yard.facts.model, ada.name, ada.email, 'ada', 'English', 'control', 'node'])
      data.add(text)
    for (const [, path = ''] of readFileSync(router, 'utf8').matchAll(/\bpath: '(\/[^']*)'/g))
      if (!path.includes('$')) addresses.push(path)
    for (const { kind, plural, system } of kinds) {
      addresses.push(`/${plural}`)
      // Keys have a page of their own.
      if (!system && kind !== 'ApiKey') addresses.push(`/${plural}/new`)
      const { items } = await yard.api.list(kind, {})
      // Upstreams go by these names in the middle of sentences.
      if (kind === 'Provider') for (const { metadata } of items) known.add(metadata.name)
      for (const item of items) for (const text of leaves(item)) data.add(text)
      const [first] = items
      if (first) addresses.push(`/${plural}/${first.metadata.workspace ?? '-'}/${first.metadata.name}`)
    }
  }, 60_000)

  const told = (address: string, said: readonly Said[], read: Read) =>
    said.flatMap(({ text, where }) => {
      const words = read(text)
      return words.length === 0 ? [] : [`${address}: ${words.join(' ')} — “${text}” (${where})`]
    })

  const inChinese = (at: string): Read => {
    const read = untranslated(data)
    return at.includes('/new') ? text => read(text).filter(word => !literal.has(word)) : read
  }

  /** Goes to each address as a link would, opens each tab there, and gathers what `look` finds. */
  async function walk(
    page: Page,
    look: (address: string, within?: string) => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    const found: string[] = []
    for (const address of addresses) {
      await page.evaluate(`history.pushState(null, '', ${JSON.stringify(`/console${address}`)})`)
      await settle(page)
      found.push(...(await look(address)))
      const tabs = page.locator(
        '#content [role=tab]:not(.ant-tabs-tabpane [role=tab], [role=tabpanel] [role=tab])',
      )
      for (let index = 1; index < (await tabs.count()); index++) {
        await tabs.nth(index).click()
        await settle(page)
        found.push(...(await look(`${address} (tab ${index + 1})`, '#content')))
      }
    }
    return [...new Set(found)]
  }

  /** Forms and pages of kinds are looked at below the frame, which their lists have shown. */
  const kindOf = (address: string) =>
    kinds.findIndex(({ plural }) => address.startsWith(`/${plural}/`) || address.startsWith(`/${plural} `))

  test('in Chinese nothing is left in English, on any screen', async () => {
    const { page, complaints } = await opened.visit('/console', { locale: 'zh-CN', as: ada })
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
    const look = async (at: string, within?: string) => told(at, await textsOf(page, within), inChinese(at))
    expect(await walk(page, look)).toEqual([])
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('in English nothing is in Chinese, and axe finds nothing serious: on screens and lists, on the form of every kind, in its YAML, and on every tab of a page', async () => {
    const { page, complaints } = await opened.visit('/console', { as: ada })
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    const read = chineseIn(data)
    let theme: 'light' | 'dark' = 'light'
    let looks = 0
    const found = await walk(page, async (at, within) => {
      const kind = kindOf(at)
      // One kind in the light, the next in the dark; of other screens the dark has a test of its own.
      const next = kind % 2 === 1 ? 'dark' : 'light'
      if (next !== theme) {
        theme = next
        await page.emulateMedia({ colorScheme: theme })
        await page.locator(`html[data-theme=${theme}]`).waitFor()
      }
      if (kind >= 0) looks++
      return [
        ...told(at, await textsOf(page, within), read),
        ...(await findingsOf(page, within ?? (kind >= 0 ? '#content' : undefined))),
      ]
    })
    expect(looks).toBeGreaterThan(kinds.length)
    expect(found).toEqual([])
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('in Chinese all of it fits a phone', async () => {
    const { page, complaints } = await opened.visit('/console', { locale: 'zh-CN', as: ada, ...phone })
    const look = async (at: string) => (await misfitsOf(page)).map(one => `${at}: ${one}`)
    expect(await walk(page, look)).toEqual([])
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('in the dark, on a phone, every own screen and list can be read and fits', async () => {
    const { page } = await opened.visit('/console', { as: ada, colorScheme: 'dark', ...phone })
    const found: string[] = []
    for (const address of addresses.filter(at => !at.slice(1).includes('/'))) {
      await page.evaluate(`history.pushState(null, '', ${JSON.stringify(`/console${address}`)})`)
      await settle(page)
      found.push(...(await findingsOf(page, undefined, ['color-contrast'])))
      found.push(...(await misfitsOf(page)).map(one => `${address}: ${one}`))
    }
    expect(found).toEqual([])
    await page.close()
  })

  test('a word that nobody has translated is found, in a text and in a name for screen readers', () => {
    const read = untranslated(new Set(['switchyard-tiny', 'local']))
    expect(read('创建 endpoint')).toEqual(['endpoint'])
    expect(read('Not translated')).toEqual(['Not', 'translated'])
    for (const fine of [
      '模型 switchyard-tiny',
      '需要权限 user:read。',
      '12 GiB',
      'local',
      '列 `drainSeconds`',
    ])
      expect(read(fine)).toEqual([])
    expect(chineseIn(new Set())('端点 list')).toEqual(['端点 list'])
  })
})
