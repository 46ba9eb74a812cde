// What the palette and the list of shortcuts say.
import { type Shape, teach } from '../words/index.ts'

const en = {
  title: 'Go to or do',
  placeholder: 'A screen, a name or something to do',
  results: 'Results',
  nothing: 'Nothing is called so.',
  looking: 'Looking for names…',
  failed: 'Names cannot be looked for now.',
  groups: { screens: 'Screens', documents: 'By name', actions: 'Do' },
  workspace: 'Workspace: {{name}}',
  everywhere: 'Look at all workspaces',
  create: 'Create {{kind}}',
  project: 'Project: {{name}}',
  allProjects: 'Look at all projects',
  theme: 'Theme: {{name}}',
  language: 'Language: {{name}}',
  shortcuts: 'Show shortcuts',
  helpTitle: 'Shortcuts',
  next: 'then',
  on: 'Keys without Ctrl work',
  rows: {
    palette: 'Go to or do anything',
    help: 'These shortcuts',
    search: 'Search in the list',
    create: 'Create one of what is listed',
    edit: 'Change what is shown',
    undo: 'Undo the last change, while it is offered',
    go: 'Go to {{screen}}',
  },
} as const

const zh: Shape<typeof en> = {
  title: '跳转或执行',
  placeholder: '输入页面、名称或操作',
  results: '结果',
  nothing: '没有匹配的名称。',
  looking: '正在查找名称……',
  failed: '暂时无法查找名称。',
  groups: { screens: '页面', documents: '按名称', actions: '操作' },
  workspace: '切换到工作区 {{name}}',
  everywhere: '查看全部工作区',
  create: '新建{{kind}}',
  project: '切换到项目 {{name}}',
  allProjects: '查看全部项目',
  theme: '主题：{{name}}',
  language: '语言：{{name}}',
  shortcuts: '查看快捷键',
  helpTitle: '快捷键',
  next: '然后',
  on: '启用不带 Ctrl 的快捷键',
  rows: {
    palette: '跳转或执行任意操作',
    help: '查看快捷键',
    search: '在列表中搜索',
    create: '创建当前列表中的对象',
    edit: '编辑当前对象',
    undo: '撤销上一次更改（提示显示期间）',
    go: '前往{{screen}}',
  },
}

declare module '../words/index.ts' {
  interface Rooms {
    readonly palette: typeof en
  }
}

teach('palette', en, zh)
