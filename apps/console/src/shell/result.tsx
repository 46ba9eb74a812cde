// A whole page that says one thing. Its pictures are heavy, and come when they are needed.
import { lazy, type ReactNode, Suspense } from 'react'

interface Said {
  readonly status: '403' | '404' | 'error'
  readonly title: string
  readonly subTitle?: string
  readonly extra?: ReactNode
}

const Result = lazy(async () => ({ default: (await import('antd/es/result')).default }))

export function Notice(said: Said) {
  return (
    <Suspense>
      <Result {...said} />
    </Suspense>
  )
}
