// A key that was just made, on its way to the playground: in memory alone, and gone with the page.

export interface Handed {
  readonly secret: string
  /** Of the ApiKey document. */
  readonly name: string
  readonly workspace: string
}

let handed: Handed | undefined

export function handOver(key: Handed | undefined): void {
  handed = key
}

export const handedOver = (): Handed | undefined => handed
