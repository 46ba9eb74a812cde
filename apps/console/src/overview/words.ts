// What the overview says.
import { type Shape, teach } from '../words/index.ts'

const en = {
  requests: 'Requests',
} as const

const zh: Shape<typeof en> = {
  requests: '请求数',
}

declare module '../words/index.ts' {
  interface Rooms {
    readonly overview: typeof en
  }
}

teach('overview', en, zh)
