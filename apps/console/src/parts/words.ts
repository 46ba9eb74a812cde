// What the parts say that stand on many screens.
import { type Shape, teach } from '../words/index.ts'

const en = {
  more: 'Load more',
  loaded_one: '{{count}} row',
  loaded_other: '{{count}} rows',
  loadedMore_one: '{{count}} row so far',
  loadedMore_other: '{{count}} rows so far',
  csv: 'CSV',
  csvOf: 'Keep the rows shown as CSV',
} as const

const zh: Shape<typeof en> = {
  more: '加载更多',
  loaded_one: '{{count}} 行',
  loaded_other: '{{count}} 行',
  loadedMore_one: '已加载 {{count}} 行',
  loadedMore_other: '已加载 {{count}} 行',
  csv: 'CSV',
  csvOf: '将当前显示的行导出为 CSV',
}

declare module '../words/index.ts' {
  interface Rooms {
    readonly parts: typeof en
  }
}

teach('parts', en, zh)
