// Messages that come and go, told from anywhere. What draws them is fetched with the first one: the first screen says none.
import type { ArgsProps } from 'antd/es/message/interface'

/** `duration` in seconds; 0 stays. One with the `key` of another takes its place. */
export type Message = Pick<ArgsProps, 'type' | 'content' | 'duration' | 'key'>

let draw: ((message: Message) => void) | undefined
let waiting: readonly Message[] = []
let isWanted = false
const listeners = new Set<() => void>()

/** Says it, once there is something that draws it. */
export function tell(message: Message): void {
  if (draw) {
    draw(message)
    return
  }
  waiting = [...waiting, message]
  isWanted = true
  for (const listener of listeners) listener()
}

/** By who draws them; the answer ends that. */
export function drawn(by: (message: Message) => void): () => void {
  draw = by
  for (const message of waiting) by(message)
  waiting = []
  return () => {
    draw = undefined
  }
}

/** Whether one was ever said. */
export const areWanted = (): boolean => isWanted

export function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
