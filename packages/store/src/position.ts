// Where a page of a list ends, as a text that whoever asks for the next one gives back.
import { Fault } from '@switchyard/kinds'

export function writePosition(position: readonly string[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** As many parts as were written. */
export function readPosition(text: string, parts: number): readonly string[] {
  const fault = () =>
    new Fault('invalid', 'This is no position in a list: begin without one.', { reason: 'bad_position' })
  let position: unknown
  try {
    position = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    throw fault()
  }
  if (
    !Array.isArray(position) ||
    position.length !== parts ||
    !position.every(part => typeof part === 'string')
  )
    throw fault()
  return position
}
