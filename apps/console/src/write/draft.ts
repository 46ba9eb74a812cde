// What is being written: as a value that the form changes, and as text that the editor does. Both are kept.
import { useState } from 'react'
import type { Document, KindInfo } from '../api/catalogue.ts'
import { isInProjects } from '../kinds/live.tsx'
import type { Problem } from '../parts/code-mirror.tsx'
import { isRecord, isSame, type Members } from './json.ts'
import { inOrder, metadataSchema } from './shape.ts'
import { readYaml, yamlOf } from './text.ts'

export interface Draft {
  readonly value: Members
  readonly text: string
  /** Of the text. While there are any, the value is what it was before. */
  readonly problems: readonly Problem[]
  write(text: string): void
  fill(value: unknown): void
}

/** `notOne` is said of YAML that is no document. */
export function useDraft(initial: Members, notOne: string): Draft {
  const [value, setValue] = useState(initial)
  const [text, setText] = useState(() => yamlOf(initial))
  const [problems, setProblems] = useState<readonly Problem[]>([])
  return {
    value,
    text,
    problems,
    write(next) {
      const read = readYaml(next, notOne)
      setText(next)
      setProblems(read.problems)
      if (read.value) setValue(read.value)
    },
    fill(next) {
      if (!isRecord(next) || isSame(next, value)) return
      setValue(next)
      setText(yamlOf(next))
      setProblems([])
    },
  }
}

const writable = ['name', 'workspace', 'project', 'displayName', 'description', 'labels', 'annotations']

/** The server's own labels and annotations are kept by the server. */
const ownOf = (entries: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(entries).filter(([key]) => !key.startsWith('switchyard.dev/')))

/** What a person may write of a document that stands. */
export function writableOf(
  { apiVersion, kind, metadata, spec }: Document,
  { spec: schema }: KindInfo,
): Members {
  const kept = Object.fromEntries(
    Object.entries({
      ...metadata,
      labels: ownOf(metadata.labels),
      annotations: ownOf(metadata.annotations),
    }).filter(
      ([name, value]) =>
        writable.includes(name) && value !== null && !(isRecord(value) && Object.keys(value).length === 0),
    ),
  )
  return {
    apiVersion,
    kind,
    metadata: inOrder(kept, metadataSchema, metadataSchema),
    spec: inOrder(spec, schema, schema),
  }
}

/** What a new one begins as. */
export function begun(kind: KindInfo, workspace: string, project: string): Members {
  const metadata = {
    name: '',
    ...(kind.scope !== 'platform' && workspace !== '' && { workspace }),
    ...(isInProjects(kind) && project !== '' && { project }),
  }
  return { apiVersion: 'switchyard.dev/v1', kind: kind.kind, metadata, spec: {} }
}
