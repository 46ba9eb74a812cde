// A lifetime that owns tasks: they get its signal, and the scope ends only when all of them have.

export interface Scope extends AsyncDisposable {
  readonly signal: AbortSignal
  /** Runs a task inside the scope. The first that fails aborts the others; `done` then rejects with it. */
  spawn(task: (signal: AbortSignal) => Promise<void>): void
  /** Settles when the scope was aborted and every task has ended. */
  readonly done: Promise<void>
  /** Asks every task to end. Twice is fine. */
  stop(): void
}

/** The new owner disposes of it: aborts, then waits for the tasks. */
export function openScope(parent?: AbortSignal): Scope {
  const controller = new AbortController()
  const signal = parent ? AbortSignal.any([parent, controller.signal]) : controller.signal
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  const settled = (async () => {
    if (!signal.aborted)
      await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    while (running.size > 0) await Promise.all(running)
  })()
  const done = settled.then(() => {
    if (failure) throw failure.error
  })
  done.catch(() => {}) // a failure nobody waits for has already stopped the scope; waiters still see it
  return {
    signal,
    done,
    spawn(task) {
      if (signal.aborted) return
      const run = (async () => task(signal))()
        .catch(error => {
          if (signal.aborted) return // what breaks because it was told to end is not a failure
          failure ??= { error }
          controller.abort()
        })
        .finally(() => running.delete(run))
      running.add(run)
    },
    stop: () => controller.abort(),
    async [Symbol.asyncDispose]() {
      controller.abort()
      await settled
    },
  }
}
