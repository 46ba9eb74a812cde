// Where messages are drawn, once the first is said.
import { lazy, Suspense, useSyncExternalStore } from 'react'
import { areWanted, subscribe } from './messages.ts'

const Drawn = lazy(() => import('./messages-drawn.tsx'))

export function Messages() {
  return useSyncExternalStore(subscribe, areWanted) ? (
    <Suspense>
      <Drawn />
    </Suspense>
  ) : null
}
