// Control and the process driver as a program of their own, for tests that kill it.
import { openStore } from '@switchyard/store'
import { processesOf, runControl } from './yard.ts'

const [url = '', directory = '', installation = '', engine = ''] = process.argv.slice(2)
const opened = openStore({ url, connections: 8 })
await runControl({ processes: processesOf(directory, installation, [process.execPath, engine]) }, opened, {
  leaseSeconds: 2,
  observe: said => {
    if (said.type === 'run_failed')
      process.stderr.write(`${said.controller} ${said.key} ${String(said.error)}\n`)
  },
})
process.stdout.write('running\n')
