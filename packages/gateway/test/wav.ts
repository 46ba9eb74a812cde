// WAV files as recorders write them.

interface Shape {
  readonly rate: number
  readonly frames: number
  readonly channels?: number
  readonly bits?: number
  /** 1 is PCM. */
  readonly tag?: number
  /** Bytes of samples that the head promises; by default those that are there. */
  readonly promised?: number
  /** Names of chunks that stand before and behind the samples, of odd size. */
  readonly before?: string
  readonly after?: string
}

export function wav({
  rate,
  frames,
  channels = 1,
  bits = 16,
  tag = 1,
  promised,
  before,
  after,
}: Shape): Buffer {
  const frame = (channels * bits) / 8
  const long = tag === 0xfffe
  const form = Buffer.alloc(long ? 40 : 16)
  form.writeUInt16LE(tag, 0)
  form.writeUInt16LE(channels, 2)
  form.writeUInt32LE(rate, 4)
  form.writeUInt32LE(rate * frame, 8)
  form.writeUInt16LE(frame, 12)
  form.writeUInt16LE(bits, 14)
  if (long) form.writeUInt16LE(1, 24)
  const samples = Buffer.alloc(frames * frame, 7)
  const body = Buffer.concat([
    Buffer.from('WAVE'),
    ...(before === undefined ? [] : [chunk(before, Buffer.from('odd'))]),
    chunk('fmt ', form),
    chunk('data', samples, promised),
    ...(after === undefined ? [] : [chunk(after, Buffer.from('odd'))]),
  ])
  return chunk('RIFF', body)
}

function chunk(id: string, body: Buffer, size = body.length): Buffer {
  const head = Buffer.alloc(8)
  head.write(id, 'latin1')
  head.writeUInt32LE(size, 4)
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)])
}
