// What a block of code says.
import { type Shape, teach } from '../words/index.ts'

const en = {
  copy: 'Copy',
  copyOf: 'Copy {{label}}',
  copied: 'Copied',
  selected: 'Selected: press Ctrl+C',
} as const

const zh: Shape<typeof en> = {
  copy: '复制',
  copyOf: '复制 {{label}}',
  copied: '已复制',
  selected: '已选中，请按 Ctrl+C',
}

declare module '../words/index.ts' {
  interface Rooms {
    readonly snippet: typeof en
  }
}

teach('snippet', en, zh)
