// Price books as they were published: what one says never changes, only how long it holds.
import type { PriceBookSpec, ServiceTier } from '@switchyard/kinds'
import type { Identity, WriteTransaction } from './store.ts'
import type { UsageUnit } from './usage.ts'

/** What a version says. */
export type PublishedSpec = Omit<PriceBookSpec, 'publish'>

/** Milliseconds since 1970; the end is not in it, and absent where there is none. */
export interface Holding {
  readonly from: number
  readonly to?: number
}

/** A rate of a book and a time for which it holds. */
export interface HeldRate extends Holding {
  /** Known by it wherever something was rated. */
  readonly id: string
  /** Its place in the book's `spec.rates`. */
  readonly place: number
}

export interface BookVersion {
  readonly id: string
  /** Of the PriceBook document: its versions follow each other. */
  readonly name: string
  readonly version: number
  /** Of the canonical form (RFC 8785) of name, spec and version, in lower-case hex. */
  readonly sha256: string
  /** RFC 3339. */
  readonly publishedAt: string
  /** Principal. */
  readonly publishedBy: string
  readonly spec: PublishedSpec
  /** When its fees, minimum and cap hold; null when a later version took all of it. */
  readonly holds: Holding | null
  /** Those that hold at some time. */
  readonly rates: readonly HeldRate[]
}

export interface PriceStore {
  /**
   * Every version of one side and currency that holds at some time, and the newest of the name, in the order of their
   * ids. Whoever else publishes waits until this transaction has ended.
   */
  standing(
    tx: WriteTransaction,
    name: string,
    of: Pick<PublishedSpec, 'side' | 'currency'>,
  ): Promise<readonly BookVersion[]>
  /** Adds a version. Earlier ones of the name hold only until its `from`. */
  publish(
    tx: WriteTransaction,
    version: Pick<BookVersion, 'name' | 'version' | 'publishedBy' | 'spec'>,
  ): Promise<Pick<BookVersion, 'id' | 'sha256' | 'publishedAt'>>
  /** What the identity may read, in the order of their ids; of one name when given. */
  versions(as: Identity, name?: string): Promise<readonly BookVersion[]>
}

/** What one unit of an event costs. */
interface RatedUnit {
  readonly unit: UsageUnit
  /** `series`: what is counted together in a period; undefined where each request is priced by itself. */
  readonly rate: { readonly id: string; readonly series: string | undefined }
  readonly quantity: bigint
  /** In 10^-12 of the currency. */
  readonly amount: bigint
}

export type RatedUsage =
  | { readonly type: 'rated'; readonly amount: bigint; readonly lines: readonly RatedUnit[] }
  | { readonly type: 'unpriced'; readonly unit: string }

interface UsageTariff {
  /** `counted` tells what a series of the period has counted before. */
  rate(
    quantities: Readonly<Partial<Record<UsageUnit, bigint>>>,
    counted: (series: string) => bigint,
  ): RatedUsage
}

/** For whom, how and where a request was taken. */
interface Circumstances {
  readonly workspace: string
  readonly tier: ServiceTier
  readonly region?: string
}

/** Prices made ready for rating what was used; `at` in milliseconds since 1970. */
export interface UsagePrices {
  sale(model: string, currency: string, at: number, circumstances: Circumstances): UsageTariff | undefined
  cost(
    charger: Circumstances & {
      readonly model: string
      readonly endpoint?: string
      readonly provider?: string
    },
    currency: string,
    at: number,
  ): UsageTariff | undefined
}

/** `compilePrices` of the ledger. */
export type CompilePrices = (books: readonly BookVersion[]) => UsagePrices
