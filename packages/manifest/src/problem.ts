// One thing that is wrong with a file, with its place, as a value: each edge words it in its own way.
import { Fault } from '@switchyard/kinds'
import { type Place, sentence } from './place.ts'

export interface Problem {
  /** A warning is not refused. */
  readonly severity: 'error' | 'warning'
  readonly file: string
  /** Of the document that it is in. */
  readonly kind: string | undefined
  /** From 1; undefined where no place in the file is to blame. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** From 1; undefined for a file of one document. */
  readonly document: number | undefined
  /** Dotted path in the document; '' is the whole. */
  readonly path: string
  readonly rule: string
  /** Follows the path, and tells what to do. */
  readonly message: string
}

/** What is wrong at a path of a document. */
export function problemAt(
  place: Place,
  { path, rule, message }: Pick<Problem, 'path' | 'rule' | 'message'>,
  severity: Problem['severity'] = 'error',
): Problem {
  const { line, column } = place.at(path) ?? { line: undefined, column: undefined }
  return Object.freeze({
    severity,
    file: place.file,
    kind: place.kind,
    line,
    column,
    document: place.document,
    path,
    rule,
    message,
  })
}

/** Problems of one file from its beginning to its end. */
export const byPlace = (one: Problem, other: Problem): number =>
  (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0)

/** `endpoints.yaml:12 (document 3) spec.replicas: must be at most 1000` */
export const problemSentence = ({ file, line, document, path, message }: Problem): string =>
  sentence({ file, document, line: () => line }, path, message)

/** `switchyard.yaml:12:5 spec.replicas: must be at most 1000`, as editors read it. */
export function located({ file, line, column, path, message }: Problem): string {
  const where = line === undefined ? file : `${file}:${line}:${column ?? 1}`
  return `${where}${path === '' ? '' : ` ${path}`}: ${message}`
}

export function refusal(problems: readonly string[]): Fault {
  const count = problems.length === 1 ? 'One thing is' : `${problems.length} things are`
  return new Fault(
    'invalid',
    `${count} wrong, so nothing was sent:\n${problems.map(line => `  ${line}`).join('\n')}`,
    {
      reason: 'bad_manifest',
    },
  )
}
