// An engine that serves nothing: alive, metrics, and whatever misbehaviour a test asks of it.
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'

const argv = process.argv.slice(2)
const value = (flag: string) => (argv.includes(flag) ? argv[argv.indexOf(flag) + 1] : undefined)
const has = (flag: string) => argv.includes(flag)
console.log(`argv ${JSON.stringify(argv)}`)
console.log(`env ${JSON.stringify(process.env)}`)
if (has('--say')) console.error(value('--say') ?? '')
if (has('--exit')) process.exit(Number(value('--exit')))
if (has('--stubborn')) process.on('SIGTERM', () => console.log('no'))
if (has('--family')) {
  const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM",()=>{});setInterval(()=>{},1000)'], {
    stdio: 'ignore',
  })
  console.log(`family ${child.pid}`)
}
let counter = 0
const running = Number(value('--running') ?? 0)
createServer((request, response) => {
  if (request.url === '/die') process.exit(7)
  if (has('--progress')) counter += 1
  if (request.url === '/metrics')
    response.end(
      `# TYPE x counter\nllamacpp:tokens_predicted_total ${counter}\nllamacpp:requests_processing ${running}\n`,
    )
  else response.end('{"status":"ok"}')
}).listen(Number(value('--port')), value('--host'), () => console.log('listening'))
