// Where a request for a model would go now: a drawing of the tiers, and the story in sentences.
import type { RouteExplanation } from '@switchyard/client'
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { json, yaml } from '../output/formats.ts'
import { displayWidth, pad, safe } from '../output/width.ts'

export interface RouteExplainOptions {
  readonly key?: string
  readonly header?: readonly string[]
  readonly metadata?: readonly string[]
  readonly tag?: readonly string[]
  readonly session?: string
  readonly stream?: boolean
}

type Route = NonNullable<RouteExplanation['route']>
type Target = Route['tiers'][number]['targets'][number]

export async function routeExplain(cli: Cli, model: string, options: RouteExplainOptions): Promise<number> {
  const { workspace } = await cli.target()
  const { key, session, tag: tags, stream: streamed } = options
  const told = await (await cli.client()).explainRoute({
    workspace,
    model,
    ...(key !== undefined && { key }),
    ...(session !== undefined && { session }),
    ...(tags && { tags }),
    ...(streamed && { streamed }),
    ...(options.header && { headers: pairs(options.header, '--header') }),
    ...(options.metadata && { metadata: pairs(options.metadata, '--metadata') }),
  })
  if (cli.flags.output === 'json') cli.out(json(told))
  else if (cli.flags.output === 'yaml') cli.out(await yaml([told]))
  else {
    const [first = '', ...rest] = told.sentences
    const paint = paints[told.verdict.type]
    cli.out(`${cli.colors[paint](safe(first))}\n`)
    if (told.route) cli.out(`\n${drawing(cli, told.route)}\n`)
    // The drawing has told of each upstream.
    for (const sentence of rest.filter(text => !text.startsWith('  '))) cli.out(`${safe(sentence)}\n`)
  }
  return told.verdict.type === 'refused' ? 1 : 0
}

const paints = { served: 'green', held: 'yellow', refused: 'red' } as const

/** `name=value`, the value with its own `=`. */
function pairs(given: readonly string[], flag: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map(text => {
      const at = text.indexOf('=')
      if (at < 1) throw new Fault('invalid', `${flag} ${text}: write NAME=VALUE.`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

/** Tiers from the first to the last, each with its upstreams: a full circle is where it would go. */
function drawing({ colors }: Cli, { kind, id, name, tiers }: Route): string {
  const head = `${colors.bold(`${kind} ${id}`)}${name === id ? '' : ` (${name})`}`
  const width = Math.max(0, ...tiers.flatMap(({ targets }) => targets.map(one => displayWidth(label(one)))))
  const lines = tiers.flatMap(({ strategy, targets }, index) => {
    const last = index === tiers.length - 1
    const rail = last ? '   ' : '│  '
    return [
      `${last ? '└─' : '├─'} tier ${index + 1} · ${strategy}`,
      ...targets.map((target, at) => {
        const branch = at === targets.length - 1 ? '└─' : '├─'
        return `${rail}${branch} ${mark(colors, target)} ${pad(label(target), width)}  ${state(colors, target)}`
      }),
      ...(targets.length === 0 ? [`${rail}└─ ${colors.red('no upstream is ready')}`] : []),
    ]
  })
  return `${[head, ...lines].join('\n')}\n`
}

const label = ({ name, endpoint, model }: Target) =>
  `${endpoint === undefined ? name : `${endpoint}/${name}`} ${model}`

function mark(colors: Cli['colors'], { step }: Target): string {
  if (step === 'chosen') return colors.green('●')
  return step === 'strategy' ? '○' : colors.red('×')
}

/** What the health of an upstream comes to, and how busy it is. */
function state(colors: Cli['colors'], { says, name, share, word, health }: Target): string {
  const why = safe(says.startsWith(`${name} `) ? says.slice(name.length + 1) : says)
  const { breaker, inflight, calls, faults, p95 } = health
  const facts = [
    ...(share === undefined || share === 0 ? [] : [`${Math.round(share * 100)} %`]),
    `breaker ${breaker.replace('_', ' ')}`,
    `${inflight} running`,
    ...(calls === 0 ? [] : [`${faults} of ${calls} failed in 10 s`]),
    ...(p95 === undefined || p95 === null ? [] : [`p95 ${Math.round(p95)} ms`]),
  ]
  const paint = word.startsWith('chosen') ? colors.green : (text: string) => text
  return `${paint(why)} ${colors.dim(`(${facts.join(', ')})`)}`
}
