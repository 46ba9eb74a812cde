// Completes package-lock.json with the optional packages of other platforms: a registry mirror that lacks them
// makes npm leave them out, and `npm ci` then refuses the lock file everywhere. Run after every `npm install`:
//   node scripts/complete-lock.ts
import { readFileSync, writeFileSync } from 'node:fs'

interface Entry {
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly [member: string]: unknown
}

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const processors = ['arm64', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'arm']

/** `os` and `cpu` as such packages name themselves, so that npm passes over them elsewhere. */
function platform(name: string): { readonly os: string[]; readonly cpu: string[] } | undefined {
  const words = name.split(/[/-]/)
  const os = systems.filter(system => words.includes(system))
  const cpu = processors.filter(processor => words.includes(processor))
  return os.length === 1 && cpu.length === 1 ? { os, cpu } : undefined
}

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> } // npm's lockfileVersion 3
const added: string[] = []

for (const [path, entry] of Object.entries(lock.packages))
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`
    const where = platform(name)
    const exact = /^\d+\.\d+\.\d+/.test(version)
    if (lock.packages[place] || lock.packages[`${path}/${place}`] || !where || !exact) continue
    lock.packages[place] = { version, ...where, ...(entry.dev === true && { dev: true }), optional: true }
    added.push(name)
  }

lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added.length} packages of other platforms added`)
