// Shows each step of a start: a live line with a spinner on a terminal, one line a step elsewhere.
import type { Progress } from '@switchyard/server'
import type { Colors } from '../output/colors.ts'
import type { Terminal } from '../terminal.ts'

/** Record of every step, so that a new one does not compile until it has words. */
const words: Record<Extract<Progress, { type: 'started' }>['step'], string> = {
  database: 'PostgreSQL',
  schema: 'Schema',
  gateway: 'Gateway and API',
  resources: 'Workspace, roles, engines',
  model: 'Model',
  engine: 'Engine',
  token: 'First token',
}

const order = Object.keys(words)
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const barWidth = 20

export function display(out: Terminal['stderr'], colors: Colors): (progress: Progress) => void {
  let spinner: NodeJS.Timeout | undefined
  let current: Extract<Progress, { type: 'started' }> | undefined
  let frame = 0
  const place = (name: keyof typeof words) => `[${order.indexOf(name) + 1}/${order.length}]`
  const paint = () => {
    if (!current) return
    frame = (frame + 1) % frames.length
    out.write(
      `\r\x1b[2K${colors.cyan(frames[frame] ?? '')} ${place(current.step)} ${words[current.step]} ${amount(current)}`,
    )
  }
  const settle = (line: string) => {
    clearInterval(spinner)
    spinner = undefined
    current = undefined
    out.write(out.isTTY ? `\r\x1b[2K${line}\n` : `${line}\n`)
  }
  return progress => {
    if (progress.type === 'started') {
      current = progress
      if (out.isTTY) {
        spinner ??= setInterval(paint, 100)
        paint()
      }
    } else if (progress.type === 'finished') {
      const took = `${(progress.milliseconds / 1000).toFixed(1)} s`
      settle(
        `${colors.green('✓')} ${place(progress.step)} ${words[progress.step]}${progress.detail ? `: ${progress.detail}` : ''} ${colors.dim(took)}`,
      )
    } else if (progress.type === 'failed' && current) {
      settle(`${colors.red('✗')} ${place(current.step)} ${words[current.step]}`)
    }
  }
}

function amount({
  done,
  total,
  detail,
}: {
  readonly done?: number
  readonly total?: number
  readonly detail?: string
}): string {
  const words = detail ?? ''
  if (done === undefined || total === undefined || total === 0) return words
  const full = Math.round((done / total) * barWidth)
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${done}/${total} ${words}`
}
