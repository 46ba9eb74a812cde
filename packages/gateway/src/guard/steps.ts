// Work that waits only sometimes: written once, it is done at once where nothing has to be waited for.

/** Yields what must settle before the next step. */
export type Steps<T> = Generator<Promise<void>, T, void>

export function* wait<T>(promise: Promise<T>): Steps<T> {
  const kept: { value?: T } = {}
  yield promise.then(value => {
    kept.value = value
  })
  // Steps go on only after the promise above.
  return kept.value as T
}

/** The result, or its promise when a step had to wait. */
export function drive<T>(steps: Steps<T>): T | Promise<T> {
  const step = steps.next()
  return step.done ? step.value : continued(steps, step.value)
}

async function continued<T>(steps: Steps<T>, first: Promise<void>): Promise<T> {
  let waiting = first
  for (;;) {
    await waiting
    const step = steps.next()
    if (step.done) return step.value
    waiting = step.value
  }
}
