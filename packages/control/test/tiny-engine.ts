// An engine that serves nothing: alive, metrics, one token, and whatever misbehaviour a test asks of it.
import { createServer } from 'node:http'

const argv = process.argv.slice(2)
const value = (flag: string) => (argv.includes(flag) ? argv[argv.indexOf(flag) + 1] : undefined)
const has = (flag: string) => argv.includes(flag)
if (has('--say')) console.error(value('--say') ?? '')
if (has('--exit')) process.exit(Number(value('--exit')))
let counter = 0
const running = Number(value('--running') ?? 0)
createServer((request, response) => {
  if (has('--progress')) counter += 1
  if (request.url === '/metrics')
    response.end(
      `# TYPE x counter\nllamacpp:tokens_predicted_total ${counter}\nllamacpp:requests_processing ${running}\nllamacpp:requests_deferred 0\n`,
    )
  else if (request.url === '/v1/completions' && has('--mute')) response.writeHead(500).end('{}')
  else response.end('{"status":"ok"}')
}).listen(Number(value('--port')), value('--host'))
