// How late the event loop is: what blocks it delays every request of the process.

const everyMilliseconds = 20

/** Tells every 20 ms how many milliseconds late it was; it keeps no process alive. */
export function watchLoop(clock: () => number, tell: (milliseconds: number) => void): Disposable {
  let due = clock() + everyMilliseconds
  const timer = setInterval(() => {
    const now = clock()
    tell(Math.max(0, now - due))
    due = now + everyMilliseconds
  }, everyMilliseconds).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
