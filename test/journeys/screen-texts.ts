// What stands on a screen for a person to read, or for a screen reader to say.
import type { Page } from 'playwright-core'

export interface Said {
  readonly text: string
  /** The element, for who looks for it. */
  readonly where: string
}

/** Nothing loads any more. */
export async function settle(page: Page): Promise<void> {
  await page.locator('#content h1, #content .ant-result').first().waitFor()
  // What is lazy begins in the next task.
  await page.waitForTimeout(150)
  for (const busy of ['#content .ant-skeleton', '#content .ant-spin-spinning'])
    await page.locator(busy).first().waitFor({ state: 'detached' })
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
