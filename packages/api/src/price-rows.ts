// Rows of published price books: every version as it was published, and how long it holds.
import { Fault, priceBook } from '@switchyard/kinds'
import type { BookVersion, Holding, PriceStore } from '@switchyard/runtime'
import { z } from 'zod'
import { identityOf } from './authorize.ts'
import { guarded, type Row } from './route.ts'

export interface PriceOptions {
  readonly prices: PriceStore
}

const holdsSchema = z
  .object({ from: z.string(), to: z.string().optional() })
  .nullable()
  .describe('When it holds; null when a later version took all of its time.')

const versionSchema = z.object({
  name: z.string(),
  version: z.int(),
  sha256: z.string().describe('Of the canonical JSON (RFC 8785) of name, spec and version, in hex.'),
  publishedAt: z.string(),
  publishedBy: z.string(),
  holds: holdsSchema,
  spec: z.looseObject({ side: z.string(), currency: z.string(), from: z.string() }),
})

export function priceRows({ prices }: PriceOptions): readonly Row[] {
  return [
    guarded(
      { permission: `${priceBook.noun}:read` },
      {
        method: 'GET',
        path: `/api/v1/${priceBook.plural}/{name}/versions`,
        doc: 'Every version of a price book that was published, also when its document is gone.',
        locate: ({ name = '' }) => ({ workspace: null, name }),
        output: [
          {
            status: 200,
            doc: 'Oldest first.',
            schema: z.object({ kind: z.literal('PriceBookVersionList'), items: z.array(versionSchema) }),
          },
        ],
        kind: priceBook.kind,
      },
      {},
      async ({ caller, params: { name = '' } }) => {
        const items = await prices.versions(identityOf(caller), name)
        if (items.length === 0)
          throw new Fault('not_found', `There is no published version of a PriceBook ${name}.`)
        return { status: 200, body: { kind: 'PriceBookVersionList', items: items.map(shown) } }
      },
    ),
  ]
}

function shown({ id: _id, rates: _rates, holds, ...version }: BookVersion) {
  return { ...version, holds: holds && timesOf(holds) }
}

const timesOf = ({ from, to }: Holding) => ({
  from: new Date(from).toISOString(),
  ...(to !== undefined && { to: new Date(to).toISOString() }),
})
