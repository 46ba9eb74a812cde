// No screen says a word that is not of the language that was chosen: every screen is walked in Chinese and in English.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { kinds } from '@switchyard/kinds'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ada, type ConsoleYard, hasChromium, openConsole } from './browser.ts'
import { furnish } from './furnish.ts'
import { type Said, settle, textsOf } from './screen-texts.ts'

const router = resolve(import.meta.dirname, '../../apps/console/src/router.tsx')

/** Words that are the same in every language: our own name, formats, protocols, units, names of other people's things. */
const known = new Set(
  `Switchyard API APIs JSON YAML CSV URL URLs ID IDs HTTP HTTPS TLS MCP JWT JWKS JWK OpenID Connect OIDC SSO SQL PEM CIDR IP SHA HMAC
  GPU GPUs CPU NPU TPU VRAM GiB MiB KiB GB MB KB ms min TTFT TPOT SLO RPM TPM KV LoRA GGUF UTC ISO IANA TTL UI OK CLI SDK PDF PNG
  OpenAI Anthropic Gemini DeepSeek Ollama vLLM SGLang llama cpp Kubernetes Ray Docker Slurm PostgreSQL Redis Linux NVIDIA
  Python TypeScript JavaScript curl Node Go Java Ctrl Cmd Alt Shift Enter Esc Tab Markdown RFC Merkle Ed25519
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
    han.test(text) && text !== '中文' && !data.has(text) ? [text] : []

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

describe.skipIf(!hasChromium)('the words of the console', { timeout: 900_000 }, () => {
  let opened: ConsoleYard
  const data = new Set<string>()
  /** Of screens that no kind makes, then of each kind: its list, and its first document. */
  const addresses: string[] = []

  beforeAll(async () => {
    opened = await openConsole()
    const { yard } = opened
    await furnish(yard)
    for (const text of [yard.facts.model, ada.name, ada.email, 'ada', 'English', 'control', 'node'])
      data.add(text)
    for (const [, path = ''] of readFileSync(router, 'utf8').matchAll(/\bpath: '(\/[^']*)'/g))
      if (!path.includes('$')) addresses.push(path)
    for (const { kind, plural } of kinds) {
      addresses.push(`/${plural}`)
      const { items } = await yard.api.list(kind, {})
      // Upstreams go by these names in the middle of sentences.
      if (kind === 'Provider') for (const { metadata } of items) known.add(metadata.name)
      for (const item of items) for (const text of leaves(item)) data.add(text)
      const [first] = items
      if (first) addresses.push(`/${plural}/${first.metadata.workspace ?? '-'}/${first.metadata.name}`)
    }
  }, 400_000)
  afterAll(async () => await opened?.[Symbol.asyncDispose](), 60_000)

  const told = (address: string, said: readonly Said[], read: Read) =>
    said.flatMap(({ text, where }) => {
      const words = read(text)
      return words.length === 0 ? [] : [`${address}: ${words.join(' ')} — “${text}” (${where})`]
    })

  /** Goes to each address as a link would, and opens each tab there. */
  async function walk(page: Page, read: Read): Promise<readonly string[]> {
    const found: string[] = []
    for (const address of addresses) {
      await page.evaluate(`history.pushState(null, '', ${JSON.stringify(`/console${address}`)})`)
      await settle(page)
      found.push(...told(address, await textsOf(page), read))
      const tabs = page.locator(
        '#content [role=tab]:not(.ant-tabs-tabpane [role=tab], [role=tabpanel] [role=tab])',
      )
      for (let index = 1; index < (await tabs.count()); index++) {
        await tabs.nth(index).click()
        await settle(page)
        found.push(...told(`${address} (tab ${index + 1})`, await textsOf(page, '#content'), read))
      }
    }
    return [...new Set(found)]
  }

  test('in Chinese nothing is left in English', async () => {
    const { page } = await opened.visit('/console', { locale: 'zh-CN', as: ada })
    expect(await walk(page, untranslated(data))).toEqual([])
    await page.context().close()
  })

  test('in English nothing is in Chinese', async () => {
    const { page } = await opened.visit('/console', { as: ada })
    expect(await walk(page, chineseIn(data))).toEqual([])
    await page.context().close()
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
