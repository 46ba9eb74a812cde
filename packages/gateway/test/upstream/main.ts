// The upstream as a program, for benches and by hand: node packages/gateway/test/upstream/main.ts --port 9000
// `--act NAME` answers every request so; a path that begins with /act/NAME (percent-encoded) answers that one so.
import { parseArgs } from 'node:util'
import { ScriptedUpstream } from '../upstream.ts'
import { isName } from './acts.ts'

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, act: { type: 'string', default: 'good' } },
})
const port = Number(values.port)
if (!Number.isInteger(port) || port < 0 || port > 65_535)
  throw new TypeError(`--port must be from 0 to 65535, not ${values.port}`)
if (!isName(values.act)) throw new TypeError(`--act ${values.act} is not known: see acts.ts beside this file`)

const upstream = await ScriptedUpstream.start({ port, keep: false })
upstream.always(values.act)
process.stdout.write(`http://${upstream.address}\n`)
process.once('SIGTERM', () => void upstream[Symbol.asyncDispose]())
