// What the screens of usage and requests say.
import { type Shape, teach } from '../words/index.ts'

const en = {
  about: 'What was used and what it cost, by the moment at which each request was admitted.',
  usage: 'usage',
  period: 'Period',
  presets: {
    today: 'Today',
    '7d': '7 days',
    '30d': '30 days',
    month: 'This month',
    'last-month': 'Last month',
    custom: 'Custom',
  },
  from: 'From',
  to: 'Until',
  by: 'By',
  dimensions: {
    model: 'Model',
    key: 'Key',
    project: 'Project',
    workspace: 'Workspace',
    upstream: 'Upstream',
  },
  compared: 'Compared with {{from}} – {{to}}',
  requests: 'Requests',
  input: 'Tokens in',
  output: 'Tokens out',
  amount: 'Amount, {{currency}}',
  cost: 'Our cost, {{currency}}',
  margin: 'Margin, {{currency}}',
  change: 'Change',
  requestsChange: 'Change of requests',
  amountChange: 'Change of amount, {{currency}}',
  none: 'Nothing was used in this period.',
  noValue: 'none',
  unknown: 'not all known',
  table: 'Usage by {{by}}',
  requestsOf: 'Requests of {{what}}',
  chart: { amount: 'Amount, {{currency}}', requests: 'Requests', before: 'Before' },
  drawn: 'Drawn',
} as const

const zh: Shape<typeof en> = {
  about: '用量与费用，按请求被受理的时刻统计。',
  usage: '用量',
  period: '时间范围',
  presets: {
    today: '今天',
    '7d': '近 7 天',
    '30d': '近 30 天',
    month: '本月',
    'last-month': '上月',
    custom: '自定义',
  },
  from: '开始日期',
  to: '结束日期',
  by: '维度',
  dimensions: {
    model: '模型',
    key: '密钥',
    project: '项目',
    workspace: '工作区',
    upstream: '上游',
  },
  compared: '对比时段：{{from}} – {{to}}',
  requests: '请求数',
  input: '输入 token',
  output: '输出 token',
  amount: '金额（{{currency}}）',
  cost: '成本（{{currency}}）',
  margin: '毛利（{{currency}}）',
  change: '变化',
  requestsChange: '请求数变化',
  amountChange: '金额变化（{{currency}}）',
  none: '该时段内没有用量。',
  noValue: '无',
  unknown: '部分未知',
  table: '用量（按{{by}}）',
  requestsOf: '查看 {{what}} 的请求',
  chart: { amount: '金额（{{currency}}）', requests: '请求数', before: '对比时段' },
  drawn: '图表内容',
}

declare module '../words/index.ts' {
  interface Rooms {
    readonly usage: typeof en
  }
}

teach('usage', en, zh)
