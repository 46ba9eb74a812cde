// What the page of a document says.
import { type Shape, teach } from '../words/index.ts'

const en = {
  summary: 'Summary',
  conditions: 'Conditions',
  events: 'Events',
  flow: 'Flow',
  use: 'Use and test',
  rights: 'Rights',
  sessions: 'Sessions',
  access: 'Access',
  gives: 'Permissions',
  holders: 'Who has it',
  rates: 'Rates',
  versions: 'Versions',
  spending: 'Spending',
  calling: 'Use',
  created: 'Created',
  updated: 'Changed',
  by: 'by {{who}}',
  id: 'ID',
  noConditions: 'Nothing has been observed yet.',
  noEvents: 'Nothing has happened to it lately.',
  gone: 'It is not there, or you may not see it.',
  type: 'Type',
  state: 'State',
  reason: 'Reason',
  message: 'Message',
  since: 'Since',
  times: 'Times',
  last: 'Last',
  states: { True: 'True', False: 'False', Unknown: 'Unknown' },
  yaml: 'YAML',
  related: 'Related',
  history: 'History',
} as const

const zh: Shape<typeof en> = {
  summary: '摘要',
  conditions: '状况',
  events: '事件',
  flow: '流程',
  use: '使用与测试',
  rights: '有效权限',
  sessions: '会话',
  access: '账户管理',
  gives: '权限',
  holders: '拥有者',
  rates: '费率',
  versions: '版本',
  spending: '使用情况',
  calling: '使用',
  created: '创建时间',
  updated: '修改时间',
  by: '操作者：{{who}}',
  id: 'ID',
  noConditions: '尚无观测结果。',
  noEvents: '近期没有事件。',
  gone: '对象不存在，或您无权查看。',
  type: '类型',
  state: '状态',
  reason: '原因',
  message: '说明',
  since: '自',
  times: '次数',
  last: '最近',
  states: { True: '是', False: '否', Unknown: '未知' },
  yaml: 'YAML',
  related: '关联对象',
  history: '历史',
}

declare module '../words/index.ts' {
  interface Rooms {
    readonly kinds: typeof en
  }
}

teach('kinds', en, zh)
