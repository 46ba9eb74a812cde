// Large bodies move one at a time, each a part of itself: in every turn of the loop only one of them does, so that what
// else came waits for one part and not for as many as there are bodies.

const waiting: (() => void)[] = []

/** Calls it in a turn of its own, after those that asked before. */
export function inTurn(move: () => void): void {
  if (waiting.push(move) === 1) setImmediate(next)
}

function next(): void {
  const move = waiting.shift()
  if (waiting.length > 0) setImmediate(next)
  move?.()
}
