// What a person may want to do next, by the kind and the phase of a document.
import type { Document } from '@switchyard/kinds'
import { readPath } from '../output/cell.ts'

interface Row {
  readonly kind: string
  readonly phases: readonly string[]
  readonly commands: (name: string) => readonly string[]
}

const rows: readonly Row[] = [
  {
    kind: 'Endpoint',
    phases: ['Ready', 'Degraded', 'Idle'],
    commands: name => [`switchyard chat ${name} "Hello"`],
  },
  {
    kind: 'Endpoint',
    phases: ['Failed', 'Degraded'],
    commands: name => [`switchyard logs ${name} --previous`, `switchyard events --for endpoint/${name}`],
  },
  {
    kind: 'Endpoint',
    phases: ['Pending', 'Fetching', 'Starting'],
    commands: name => [`switchyard wait endpoint ${name}`, `switchyard logs ${name} -f`],
  },
  {
    kind: 'Model',
    phases: ['Ready'],
    commands: name => [`switchyard explain endpoint.model   # serve it: model.name: ${name}`],
  },
  { kind: 'Model', phases: ['Invalid'], commands: name => [`switchyard events --for model/${name}`] },
  {
    kind: 'ApiKey',
    phases: ['Active'],
    commands: name => [`switchyard usage --by model --key ${name}`, `switchyard keys rotate ${name}`],
  },
  { kind: 'ApiKey', phases: ['Disabled'], commands: name => [`switchyard keys disable ${name} --undo`] },
]

export function nextCommands({ kind, metadata, status }: Document): readonly string[] {
  const phase = String(readPath(status, 'phase'))
  const name = metadata.workspace === null && kind === 'Model' ? `platform/${metadata.name}` : metadata.name
  return rows
    .filter(row => row.kind === kind && row.phases.includes(phase))
    .flatMap(({ commands }) => commands(name))
}
