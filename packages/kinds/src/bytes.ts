// How many bytes of memory somebody means.

const factors: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}
const quantity = /^([1-9]\d{0,14})(|k|M|G|T|Ki|Mi|Gi|Ti)$/

/** Undefined, NaN or beyond the safe integers for what is no number of bytes. */
export function readBytes(text: string): number | undefined {
  const [, count, unit = ''] = quantity.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * (factors[unit] ?? Number.NaN)
}

/** Throws a TypeError for what the schema does not take. */
export function bytesOf(text: string): number {
  const bytes = readBytes(text)
  if (bytes === undefined || !Number.isSafeInteger(bytes)) throw new TypeError(`not bytes: ${text}`)
  return bytes
}
