// The console as the tests of one file share it: opened before the first, closed after the last.
import { afterAll, beforeAll } from 'vitest'
import { type ConsoleYard, type OpenConsole, type OpenOptions, openConsole } from './browser.ts'

/** Opens the console before the tests of the `describe` around it, prepares it, and closes it after them. */
export function useConsole(
  prepare: (opened: ConsoleYard) => Promise<void> = async () => {},
  options?: OpenOptions,
): ConsoleYard {
  let opened: OpenConsole | undefined
  beforeAll(async () => {
    opened = await openConsole(options)
    await prepare(opened)
  }, 400_000)
  afterAll(async () => await opened?.[Symbol.asyncDispose](), 60_000)
  const now = () => {
    if (!opened) throw new TypeError('The console is opened before the first test, and not earlier.')
    return opened
  }
  return {
    get yard() {
      return now().yard
    },
    visit: (path, visitOptions) => now().visit(path, visitOptions),
    read: path => now().read(path),
  }
}
