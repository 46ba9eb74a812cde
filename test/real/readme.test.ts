// What the README shows and `up` prints is what a person pastes: it is run as it stands.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startYard, type Yard } from '../journeys/yard.ts'
import { curl, suite } from './tools.ts'

const root = resolve(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The first command of a text that begins with `curl`, with the lines that continue it. */
const curlOf = (text: string) => /^ *(curl (?:.*\\\n)*.*)$/m.exec(text)?.[1] ?? ''
const spaces = (text: string) => text.replace(/\s+/g, ' ').trim()

suite('the first call, as it is shown', curl(), () => {
  let yard: Yard
  beforeAll(async () => {
    yard = await startYard()
  })
  afterAll(() => yard?.[Symbol.asyncDispose]())

  /** The README with this yard's address and key. */
  const personal = (text: string) =>
    text.replaceAll('http://127.0.0.1:8080', yard.facts.baseUrl).replaceAll('sk-sy-…', yard.facts.apiKey)

  test('the curl that `up` printed answers with words in sh', async () => {
    const command = curlOf(yard.started.stdout)
    expect(command).toContain(yard.facts.apiKey)
    const reply = JSON.parse(await execute('sh', ['-c', command])) as {
      choices: { message: { content: string } }[]
    } // shape of a chat completion
    expect(reply.choices[0]?.message.content).toMatch(/\p{L}{2,}/u)
  })

  test('the curl of the README is the one that `up` prints', () => {
    expect(spaces(personal(curlOf(readme)))).toBe(spaces(curlOf(yard.started.stdout)))
  })

  test('the program of the README gets words', async () => {
    const program = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    const file = join(yard.folder, 'example.mjs')
    // Where a person has `npm install`ed the client, its name resolves; here it is named by its address.
    const address = import.meta.resolve('openai')
    writeFileSync(
      file,
      `${personal(program).replace("'openai'", `'${address}'`)}\nconsole.log(reply.choices[0].message.content)\n`,
    )
    expect(await execute(process.execPath, [file])).toMatch(/\p{L}{2,}/u)
  })

  test('the command line of the README does what its comments say', async () => {
    const block = /## Everyday commands[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    const commands = block.split('\n').filter(line => line.startsWith('switchyard '))
    expect(commands.length).toBeGreaterThan(5)
    const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`
    for (const command of commands) {
      const script = `switchyard() { node ${join(root, 'bin/switchyard.mjs')} "$@"; }\n${command}`
      await execute('sh', ['-c', script], { ...process.env, PATH: path, XDG_CONFIG_HOME: yard.folder })
    }
  })

  function execute(program: string, argv: readonly string[], env = process.env): Promise<string> {
    return new Promise((done, reject) => {
      execFile(program, argv, { cwd: yard.folder, env }, (error, stdout, stderr) =>
        error ? reject(new Error(`${argv.join(' ')}: ${stderr}`)) : done(stdout),
      )
    })
  }
})
