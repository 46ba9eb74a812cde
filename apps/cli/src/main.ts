// The process: hands the machine over to the program, ends with its status, and turns Ctrl-C into a signal.
import { homedir } from 'node:os'
import { run } from './program.ts'

const interrupt = new AbortController()
// `up` and its like stop in their own way; a second Ctrl-C is the system's.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())

// A reader that has seen enough, such as `head`, is no error.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: Error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0)
    throw error
  })

const status = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  now: () => new Date(),
  signal: interrupt.signal,
})
process.exitCode ||= status
