// What a person needs after a start: where it is, how to become administrator, and a call that works.
import type { Progress, Quickstart } from '@switchyard/server'
import type { Colors } from '../output/colors.ts'

interface Circumstances {
  readonly bundled: boolean
  readonly workers: Extract<Progress, { type: 'ready' }>['workers']
  readonly data: string
  /** The data folder is not the one that the command line finds by itself. */
  readonly elsewhere: boolean
  readonly detached: boolean
}

export function summary(
  quickstart: Quickstart,
  { bundled, workers, data, elsewhere, detached }: Circumstances,
  colors: Colors,
): string {
  const { baseUrl, apiKey, model, setupUrl } = quickstart
  const lines = [
    '',
    `${colors.bold('Switchyard is ready:')} ${baseUrl}`,
    '',
    `  Model      ${model}${bundled ? '  (bundled: tiny, made for trying things out; --model FILE.gguf serves your own)' : ''}`,
    `  API key    ${apiKey}`,
    `  Console    ${baseUrl}/console`,
    ...(setupUrl
      ? [
          `  Set-up     ${setupUrl}`,
          '             (once, within 24 hours: makes the first administrator and signs in to the console)',
        ]
      : []),
    ...workers.map(
      ({ worker, state, pid, restarts }) =>
        `  Worker ${worker}   ${state}${pid === undefined ? '' : `, process ${pid}`}${restarts > 0 ? `, started again ${restarts} times` : ''}`,
    ),
    `  Facts      ${data}/quickstart.json`,
    '',
    'Try it:',
    '',
    `  curl ${baseUrl}/v1/chat/completions \\`,
    `    -H 'authorization: Bearer ${apiKey}' -H 'content-type: application/json' \\`,
    `    -d '{"model":"${model}","messages":[{"role":"user","content":"Hello!"}]}'`,
    '',
    ...(elsewhere ? ['The command line is logged in with:', '', `  export SWITCHYARD_DATA=${data}`, ''] : []),
    detached ? `Next: switchyard get endpoints · switchyard chat ${model} · switchyard down` : '',
  ]
  return `${lines.join('\n').trimEnd()}\n`
}
