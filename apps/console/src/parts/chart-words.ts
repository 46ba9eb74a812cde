// What charts say.
import { type Shape, teach } from '../words/index.ts'

const en = {
  none: 'Nothing was measured in this time.',
  waiting: 'Loading',
  line: 'Line',
  last: 'Last',
  lowest: 'Lowest',
  highest: 'Highest',
  perSecond: '{{value}}/s',
  perMinute: '{{value}}/min',
} as const

const zh: Shape<typeof en> = {
  none: '该时段内没有数据。',
  waiting: '加载中',
  line: '曲线',
  last: '最新值',
  lowest: '最低',
  highest: '最高',
  perSecond: '{{value}} 次/秒',
  perMinute: '{{value}} 次/分钟',
}

declare module '../words/index.ts' {
  interface Rooms {
    readonly chart: typeof en
  }
}

teach('chart', en, zh)
