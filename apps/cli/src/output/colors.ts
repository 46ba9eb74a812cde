// Colours as a value, so that whoever prints decides whether there are any.
import picocolors from 'picocolors'

export type Colors = ReturnType<typeof picocolors.createColors>
export const createColors = (on: boolean): Colors => picocolors.createColors(on)
