// What the editor, the difference and the confirmation say.
import { type Shape, teach } from '../words/index.ts'

const en = {
  keys: 'Escape, then Tab leaves the editor. Control and space suggest what may stand here.',
  readOnly: 'Read only.',
  completions: 'Suggestions',
  diagnostics: 'Problems',
  noDiagnostics: 'No problems',
  close: 'Close',
  before: 'Before',
  after: 'After',
  added: 'added',
  removed: 'removed',
  unchanged_one: '{{count}} unchanged line',
  unchanged_other: '{{count}} unchanged lines',
  same: 'There is no difference.',
  line: 'Line',
  type: 'Type {{name}} to confirm',
  cancel: 'Cancel',
  copy: 'Copy',
  copied: 'Copied',
} as const

const zh: Shape<typeof en> = {
  keys: '按 Escape 再按 Tab 可离开编辑器；按 Ctrl+空格可查看候选项。',
  readOnly: '只读。',
  completions: '候选项',
  diagnostics: '问题',
  noDiagnostics: '没有问题',
  close: '关闭',
  before: '修改前',
  after: '修改后',
  added: '新增',
  removed: '删除',
  unchanged_one: '{{count}} 行未变',
  unchanged_other: '{{count}} 行未变',
  same: '没有差异。',
  line: '行',
  type: '请输入 {{name}} 以确认',
  cancel: '取消',
  copy: '复制',
  copied: '已复制',
}

declare module '../words/index.ts' {
  interface Rooms {
    readonly editing: typeof en
  }
}

teach('editing', en, zh)
