// Prometheus' texts of several processes as one: counters and histograms are sums, a gauge is told for each process.

interface Family {
  /** Its lines HELP and TYPE. */
  readonly head: string
  readonly gauge: boolean
  /** By name and labels, as they stand in the text. */
  readonly samples: Map<string, number>
}

export type Families = Map<string, Family>

/** Reads what our own metrics write: HELP, TYPE, then the samples of one family after the other. */
export function readMetrics(text: string): Families {
  const families: Families = new Map()
  let help = ''
  let family: Family | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) help = `${line}\n`
    else if (line.startsWith('# TYPE ')) {
      const [, , name = '', type] = line.split(' ')
      family = families.get(name) ?? { head: `${help}${line}\n`, gauge: type === 'gauge', samples: new Map() }
      families.set(name, family)
      help = ''
    } else if (family && line !== '') {
      const space = line.lastIndexOf(' ')
      family.samples.set(line.slice(0, space), Number(line.slice(space + 1)))
    }
  }
  return families
}

/** Adds the counters and histograms of a process that has ended: a sum must not fall because of it. */
export function addCounters(sums: Families, ended: Families): void {
  for (const [name, { head, gauge, samples }] of ended) {
    if (gauge) continue
    const sum = sums.get(name) ?? { head, gauge, samples: new Map<string, number>() }
    sums.set(name, sum)
    for (const [sample, value] of samples) sum.samples.set(sample, (sum.samples.get(sample) ?? 0) + value)
  }
}

/** `living` by the number of the worker, which becomes the label `worker` of its gauges. */
export function mergeMetrics(living: ReadonlyMap<number, Families>, ended: Families): string {
  const sums: Families = new Map()
  addCounters(sums, ended)
  for (const families of living.values()) addCounters(sums, families)
  const names = new Set([...living.values()].flatMap(families => [...families.keys()]))
  let text = ''
  for (const name of new Set([...names, ...sums.keys()])) {
    const sum = sums.get(name)
    if (sum) {
      text += sum.head
      for (const [sample, value] of sum.samples) text += `${sample} ${value}\n`
      continue
    }
    const told = [...living].flatMap(([worker, families]) => {
      const family = families.get(name)
      return family ? [{ worker, family }] : []
    })
    text += told[0]?.family.head ?? ''
    for (const { worker, family } of told)
      for (const [sample, value] of family.samples) text += `${labelled(sample, worker)} ${value}\n`
  }
  return text
}

function labelled(sample: string, worker: number): string {
  const brace = sample.indexOf('{')
  if (brace < 0) return `${sample}{worker="${worker}"}`
  return `${sample.slice(0, brace)}{worker="${worker}",${sample.slice(brace + 1)}`
}
