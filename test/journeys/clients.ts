// What the journeys of clients share: the snippets of the page for users, keys, and a tab of what a client was told
// it used.
import { readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Quickstart } from '@switchyard/server'
import { expect } from 'vitest'
import { eventually, type Yard } from './yard.ts'

export const repository = resolve(import.meta.dirname, '../..')

export interface Snippet {
  /** The heading above it, and which one below that. */
  readonly title: string
  readonly text: string
}

/** The snippets of docs/clients.md in one language. */
export function snippets(language: 'js' | 'python' | 'sh' | 'yaml'): readonly Snippet[] {
  const page = readFileSync(join(repository, 'docs/clients.md'), 'utf8')
  return page.split(/^#+ /m).flatMap(section => {
    const title = section.slice(0, section.indexOf('\n'))
    const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    return blocks
      .filter(([, spoken]) => spoken === language)
      .map(([, , text = ''], index) => ({ title: `${title} ${index + 1}`, text }))
  })
}

/** A snippet with this yard's address and key, as a person changes it. */
export function personal(text: string, { baseUrl, apiKey }: Quickstart): string {
  return text.replaceAll('http://127.0.0.1:8080', baseUrl).replaceAll('sk-sy-…', apiKey)
}

/** Makes the packages of the repository those of the yard's folder, as if they had been installed there. */
export function furnish(yard: Yard): void {
  symlinkSync(join(repository, 'node_modules'), join(yard.folder, 'node_modules'))
}

/** A key of the quickstart's account, once the gateway knows it. */
export async function openKey(yard: Yard, name: string, limits?: object): Promise<string> {
  const owner = { kind: 'ServiceAccount', name: 'quickstart' }
  const { secret: key = '' } = await yard.api.create({
    apiVersion: 'switchyard.dev/v1',
    kind: 'ApiKey',
    metadata: { name, workspace: 'default' },
    spec: limits === undefined ? { owner } : { owner, limits },
  })
  await eventually('the new key to be known', 3, () =>
    yard
      .openai(key)
      .models.list()
      .catch(() => undefined),
  )
  return key
}

/** What a client was told of its tokens, to be compared with what was metered. */
export interface Tab {
  /** One answered request; NaN, and so no equality, where the client was told nothing. */
  add(input: number | null | undefined, output?: number | null): void
  /** Passes when the requests and tokens of this key are metered as they were told. */
  expectMetered(yard: Yard, key: string): Promise<void>
}

export function openTab(): Tab {
  const told = { requests: 0, input: 0, output: 0 }
  return {
    add(input, output = 0) {
      told.requests += 1
      told.input += input ?? Number.NaN
      told.output += output ?? Number.NaN
    },
    async expectMetered(yard, key) {
      const row = await eventually(`${told.requests} requests to be counted`, 5, async () => {
        const listed = await yard.run('usage', '--by', 'key', '--key', key, '-o', 'json')
        const { items } = JSON.parse(listed.stdout) as {
          readonly items: readonly { requests: string; tokens: { input: string; output: string } }[]
        } // shape of GET /api/v1/usage
        return items.find(({ requests }) => Number(requests) >= told.requests)
      })
      expect(row.requests).toBe(String(told.requests))
      expect(row.tokens).toEqual({ input: String(told.input), output: String(told.output) })
    },
  }
}
