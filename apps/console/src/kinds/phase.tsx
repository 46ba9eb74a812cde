// A document's phase, in a colour that says whether somebody should look.
import { useSaid } from './said.ts'

const bad = new Set([
  'Failed',
  'Degraded',
  'Unavailable',
  'Broken',
  'Lost',
  'Refused',
  'Invalid',
  'Exceeded',
  'Locked',
])
const busy = new Set([
  'Pending',
  'Starting',
  'Progressing',
  'Downloading',
  'Waking',
  'Deleting',
  'Updating',
  'Draining',
  'Stopping',
])
const good = new Set(['Ready', 'Active', 'Connected', 'Running', 'Published', 'Open', 'Within'])

export const isTroubled = (phase: unknown): boolean => typeof phase === 'string' && bad.has(phase)

export function PhaseTag({ phase }: { readonly phase: unknown }) {
  const said = useSaid()
  if (typeof phase !== 'string') return undefined
  const mood = bad.has(phase) ? 'bad' : busy.has(phase) ? 'busy' : good.has(phase) ? 'good' : ''
  return <span className={`phase ${mood}`}>{said.phase(phase)}</span>
}
