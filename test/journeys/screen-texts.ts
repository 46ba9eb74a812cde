// What stands on a screen for a person to read, or for a screen reader to say.
import type { Page } from 'playwright-core'
import { pendingOf } from './browser.ts'

export interface Said {
  readonly text: string
  /** The element, for who looks for it. */
  readonly where: string
}

interface Shown {
  readonly location: { readonly pathname: string }
  requestAnimationFrame(then: () => void): void
  readonly document: {
    querySelector(selector: string): { readonly dataset: Readonly<Record<string, string>> } | null
  }
}

/** Runs in the page: what it waits for after two more frames, or nothing. */
async function awaited(): Promise<string> {
  const { document, location, requestAnimationFrame } = globalThis as unknown as Shown
  for (let frame = 0; frame < 2; frame++) await new Promise<void>(then => requestAnimationFrame(then))
  const content = document.querySelector('#content')
  if (!content) return 'the console'
  const screen = content.dataset.screen ?? ''
  const bare = (path: string) => path.replace(/^\/console/, '').replace(/\/$/, '')
  if (bare(screen) !== bare(location.pathname)) return `the screen, where ${screen} stands`
  if (!document.querySelector('#content h1, #content .ant-result')) return 'a title'
  const busy = document.querySelector('#content .ant-skeleton, #content .ant-spin-spinning')
  return busy ? 'what is loaded' : ''
}

/** The screen of its address stands, and nothing that it asked for is on its way any more. */
export async function settle(page: Page, seconds = 30): Promise<void> {
  for (const until = performance.now() + seconds * 1000; ; ) {
    const before = pendingOf(page)
    const what = await page.evaluate(awaited)
    if (before + pendingOf(page) === 0 && what === '') return
    if (performance.now() > until)
      throw new Error(`${page.url()} waits for ${what || 'the network'} after ${seconds} s`)
  }
}

interface Element {
  readonly tagName: string
  readonly className: unknown
  closest(selector: string): Element | null
  checkVisibility(): boolean
  getAttribute(name: string): string | null
}

interface Dom {
  readonly document: {
    querySelector(selector: string): unknown
    querySelectorAll(selector: string): Iterable<Element>
    createTreeWalker(
      root: unknown,
      what: 4,
    ): {
      nextNode(): { readonly textContent: string; readonly parentElement: Element } | null
    }
  }
}

/** Runs in the page. What is code, or is marked as English or as not to be translated, is no text; pictures and steppers of
 * Ant Design are called in English. */
function read(within: string): readonly Said[] {
  const { document } = globalThis as unknown as Dom
  const foreign =
    'code, pre, kbd, samp, script, style, textarea, svg title, .cm-editor, body [lang=en], .anticon, .ant-input-number-action, [translate=no]'
  const said: Said[] = []
  const say = (text: string | null, element: Element) => {
    const clean = (text ?? '').trim().replaceAll(/\s+/g, ' ')
    if (clean === '' || element.closest(foreign) || !element.checkVisibility()) return
    const name = typeof element.className === 'string' ? element.className.split(' ')[0] : ''
    said.push({ text: clean, where: `${element.tagName.toLowerCase()}${name ? `.${name}` : ''}` })
  }
  const walker = document.createTreeWalker(document.querySelector(within), 4)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) say(node.textContent, node.parentElement)
  for (const name of ['aria-label', 'placeholder', 'title', 'alt'])
    for (const element of document.querySelectorAll(`${within} [${name}]`))
      say(element.getAttribute(name), element)
  return said
}

export const textsOf = (page: Page, within = 'body'): Promise<readonly Said[]> => page.evaluate(read, within)
