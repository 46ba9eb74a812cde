// A whole answer leaves for its caller, coded off the loop where the caller takes that.
import { leastBytes } from './door/compress.ts'
import type { Story } from './story.ts'

/** `told` is called once it has been handed over; `type` is its content type, JSON where there is none. */
export function deliver(
  { house, relay, head, id }: Story,
  bytes: Buffer | string,
  headers: readonly string[],
  told: () => void,
  type?: string,
): void {
  const { compressor } = house.door
  if (!compressor || bytes.length < leastBytes) {
    relay.reply(200, bytes, headers, type)
    told()
    return
  }
  const varied = [...headers, 'vary', 'accept-encoding']
  const coding = compressor.choose(head?.acceptEncoding, type ?? 'application/json', bytes.length)
  if (!coding) {
    relay.reply(200, bytes, varied, type)
    told()
    return
  }
  compressor.compress(coding, Buffer.from(bytes)).then(
    coded => {
      relay.reply(200, coded, [...varied, 'content-encoding', coding], type)
      told()
    },
    (error: unknown) => {
      house.observe({ type: 'internal_error', request: id, error })
      relay.reply(200, bytes, varied, type)
      told()
    },
  )
}
