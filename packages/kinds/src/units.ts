// What usage is counted in: the one table of units, in the order of their code points. Classes of tokens of one
// direction are disjoint and add up.

interface UnitRow {
  /** What it measures, where others measure it too: a price is asked for one of those measures. */
  readonly thing?: 'images' | 'ranking' | 'sound'
}

const rows = {
  'audio.in.ms': { thing: 'sound' },
  'char.in': {},
  'doc.ranked': { thing: 'ranking' },
  'img.out.count': { thing: 'images' },
  /** Of width x height. */
  'img.out.px': { thing: 'images' },
  req: { thing: 'ranking' },
  'tok.in.audio': { thing: 'sound' },
  'tok.in.cache_read': {},
  'tok.in.cache_read_audio': { thing: 'sound' },
  'tok.in.cache_write_1h': {},
  'tok.in.cache_write_5m': {},
  'tok.in.image': {},
  'tok.in.uncached': {},
  'tok.in.video': {},
  'tok.out.audio': {},
  'tok.out.image': { thing: 'images' },
  'tok.out.reasoning': {},
  'tok.out.text': {},
} as const satisfies Record<string, UnitRow>

export type Unit = keyof typeof rows
export type TokenUnit = Extract<Unit, `tok.${string}`>

export const units = Object.keys(rows) as readonly Unit[] // of a table whose keys are these
export const tokenUnits = units.filter((unit): unit is TokenUnit => unit.startsWith('tok.'))

/** Every class of tokens of a direction that has no price of its own. */
export const unitFamilies = ['tok.in.*', 'tok.out.*'] as const
export type UnitFamily = (typeof unitFamilies)[number]

export function familyOf(unit: Unit): UnitFamily | undefined {
  if (unit.startsWith('tok.in.')) return 'tok.in.*'
  return unit.startsWith('tok.out.') ? 'tok.out.*' : undefined
}

/** Two measures of one thing, such as pixels and images: who pays for one does not pay for the other. */
export function measuresTheSame(one: Unit, other: Unit): boolean {
  const { thing }: UnitRow = rows[one]
  const { thing: its }: UnitRow = rows[other]
  if (one === other || thing === undefined || thing !== its) return false
  return familyOf(one) === undefined || familyOf(other) === undefined
}
