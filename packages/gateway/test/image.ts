// A request with a picture of 10 MB, the same each time.
import { createHash } from 'node:crypto'

const picture = Buffer.alloc(7_500_000, createHash('sha512').update('a picture').digest()).toString('base64')

/** A chat completion of a model about it. */
export function imageBody(model: string): Buffer {
  const url = `data:image/png;base64,${picture}`
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url } },
  ]
  return Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content }] }))
}

/** What the upstream of another dialect must be given of it. */
export const imageSource = { type: 'base64', media_type: 'image/png', data: picture }

export const digest = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')
