// What does not fit on a screen: a page that scrolls sideways, words that are cut off or lie beyond its edge, controls that lie
// upon each other.
import type { Page } from 'playwright-core'

interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
  readonly width: number
  readonly height: number
}

interface Node {
  readonly nodeType: number
  readonly textContent: string
}

interface Element extends Node {
  readonly tagName: string
  readonly className: unknown
  readonly childNodes: Iterable<Node>
  readonly parentElement: Element | null
  readonly scrollWidth: number
  readonly clientWidth: number
  closest(selector: string): Element | null
  contains(other: Element): boolean
  checkVisibility(options?: object): boolean
  getBoundingClientRect(): Box
  getAttribute(name: string): string | null
}

interface Style {
  readonly overflowX: string
  readonly overflowY: string
  readonly textOverflow: string
  readonly position: string
}

interface Dom {
  getComputedStyle(element: Element): Style
  requestAnimationFrame(then: () => void): void
  readonly document: {
    readonly documentElement: Element
    querySelectorAll(selector: string): Iterable<Element>
    createRange(): { selectNodeContents(node: unknown): void; getBoundingClientRect(): Box }
  }
}

/** Runs in the page. */
async function misfits(): Promise<readonly string[]> {
  const { document, getComputedStyle, requestAnimationFrame } = globalThis as unknown as Dom
  // What follows the width of the window is drawn anew first.
  for (let frame = 0; frame < 2; frame++) await new Promise<void>(then => requestAnimationFrame(then))
  const { documentElement: root } = document
  const found: string[] = []
  const called = (element: Element) => {
    const name =
      typeof element.className === 'string' ? element.className.split(' ').slice(0, 2).join('.') : ''
    const text = (element.getAttribute('aria-label') ?? element.textContent).trim().slice(0, 40)
    return `${element.tagName.toLowerCase()}${name ? `.${name}` : ''} “${text}”`
  }
  /** Whether somebody can scroll to what lies beyond the edge. */
  const scrolls = (element: Element): boolean => {
    // Tabs are moved by the finger, and have a menu of those that are not seen.
    if (element.closest('.ant-tabs-nav-wrap')) return true
    for (let one: Element | null = element; one && one !== root; one = one.parentElement)
      if (/auto|scroll/.test(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth)
        return true
    return false
  }
  const sticks = (element: Element): boolean => {
    for (let one: Element | null = element; one && one !== root; one = one.parentElement)
      if (/sticky|fixed/.test(getComputedStyle(one).position)) return true
    return false
  }
  if (root.scrollWidth > root.clientWidth)
    found.push(`the page is ${root.scrollWidth} px wide and scrolls sideways`)
  // Of listeners, editors that scroll, and drawings.
  const passed = '.unseen, .skip, .cm-editor, svg, script, style, .ant-select-input, [aria-hidden=true]'
  const controls: (readonly [Element, Box])[] = []
  for (const element of document.querySelectorAll('#content *, header *')) {
    if (
      element.closest(passed) ||
      !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    )
      continue
    if (/^(BUTTON|A|INPUT)$/.test(element.tagName) && element.closest('#content')) {
      const box = element.getBoundingClientRect()
      // What sticks to an edge lies upon what is scrolled beneath it.
      if (box.width > 2 && box.height > 2 && !scrolls(element) && !sticks(element))
        controls.push([element, box])
    }
    const text = [...element.childNodes].find(
      ({ nodeType, textContent }) => nodeType === 3 && textContent.trim(),
    )
    if (!text || scrolls(element)) continue
    const range = document.createRange()
    range.selectNodeContents(text)
    const box = range.getBoundingClientRect()
    if (box.width === 0) continue
    if (box.right > root.clientWidth + 1 || box.left < -1)
      found.push(`${called(element)} lies beyond the edge`)
    for (let one: Element | null = element; one && one !== root; one = one.parentElement) {
      const { overflowX, textOverflow } = getComputedStyle(one)
      if (!/hidden|clip/.test(overflowX)) continue
      const frame = one.getBoundingClientRect()
      // An ellipsis is meant, and what it stands for is told elsewhere.
      if (textOverflow !== 'ellipsis' && (box.right > frame.right + 1 || box.left < frame.left - 1))
        found.push(`${called(element)} is cut off by ${called(one)}`)
      break
    }
  }
  for (const [at, [one, box]] of controls.entries())
    for (const [other, beside] of controls.slice(at + 1)) {
      if (one.contains(other) || other.contains(one)) continue
      // An input with a button in it is one thing.
      if (one.closest('.ant-input-affix-wrapper, .ant-input-number, .ant-select, .ant-upload')) continue
      const wide = Math.min(box.right, beside.right) - Math.max(box.left, beside.left)
      const high = Math.min(box.bottom, beside.bottom) - Math.max(box.top, beside.top)
      if (wide > 2 && high > 2) found.push(`${called(one)} lies upon ${called(other)}`)
    }
  return found
}

/** In the window as it is. */
export const misfitsOf = (page: Page): Promise<readonly string[]> => page.evaluate(misfits)
