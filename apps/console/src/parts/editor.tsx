// An editor of YAML (and of JSON, which is YAML too). It is heavy, and comes when somebody looks at one.
import { lazy, Suspense } from 'react'
import { Loading } from '../shell/states.tsx'
import type { EditorProps } from './code-mirror.tsx'

const CodeMirror = lazy(() => import('./code-mirror.tsx'))

/** Without `onChange` it is read only. */
export function Editor(props: EditorProps) {
  return (
    <Suspense fallback={<Loading />}>
      <CodeMirror {...props} />
    </Suspense>
  )
}
