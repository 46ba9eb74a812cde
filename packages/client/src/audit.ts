// The trail over HTTP: pages of entries, exports as lines, the keys of the log, and bringing it back.
import { Fault } from '@switchyard/kinds'
import type { Exchange } from './exchange.ts'
import { abortFault, networkFault } from './faults.ts'
import { lines } from './lines.ts'
import { isRecord } from './values.ts'

export interface AuditFilter {
  /** Absent is every workspace that the caller may read. */
  readonly workspace?: string | undefined
  /** RFC 3339. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly actor?: string | undefined
  /** `endpoint.update`, or `endpoint.*`. */
  readonly action?: string | undefined
  readonly kind?: string | undefined
  readonly name?: string | undefined
  readonly outcome?: string | undefined
  /** Words, all of which stand in what an entry tells. */
  readonly q?: string | undefined
}

/** An entry as the log holds it. */
export type AuditEntry = Readonly<Record<string, unknown>>

const another = () =>
  new Fault('internal', 'The server answered with something that is no trail. Is it another version?')

const pathOf = (workspace: string | undefined) =>
  workspace === undefined ? '/api/v1/audit' : `/api/v1/workspaces/${encodeURIComponent(workspace)}/audit`

/** The most that a page holds. */
const pageEntries = 500

export function auditCalls(exchange: Exchange) {
  return {
    /** Newest first, at most `limit`. */
    async audit({ workspace, ...filter }: AuditFilter, limit: number): Promise<readonly AuditEntry[]> {
      const found: AuditEntry[] = []
      for (let token: string | undefined; found.length < limit; ) {
        const most = Math.min(pageEntries, limit - found.length)
        const query = { ...filter, limit: most, continue: token }
        const { body } = await exchange.send({ method: 'GET', path: pathOf(workspace), query })
        if (!isRecord(body) || !Array.isArray(body.items) || !body.items.every(isRecord)) throw another()
        found.push(...body.items)
        if (typeof body.continue !== 'string') break
        token = body.continue
      }
      return found
    },

    /** Oldest first, each as one line of JSON. */
    async *exportAudit(
      { workspace, ...filter }: AuditFilter,
      { form, proofs, signal }: { form: string; proofs: boolean; signal?: AbortSignal | undefined },
    ): AsyncGenerator<string> {
      const until = exchange.until(signal)
      try {
        const query = { ...filter, form, proofs: proofs || undefined }
        const path = `${pathOf(workspace)}/export`
        const { body } = await exchange.stream({ method: 'GET', path, query, signal })
        for await (const line of lines(body)) yield line
      } catch (error) {
        throw until?.aborted ? abortFault(until) : networkFault(exchange.url, error)
      }
    },

    /** The keys that sign the log, as name+hash+key. */
    async auditKeys(): Promise<{ readonly keys: readonly string[]; readonly protection: string }> {
      const { body } = await exchange.send({ method: 'GET', path: '/api/v1/audit/keys' })
      if (!isRecord(body) || !Array.isArray(body.items)) throw another()
      return { keys: body.items.map(String), protection: String(body.protection) }
    },

    /** Makes unreadable what the trail tells of these, for good; answers whom it was, by which entries go on naming them. */
    async eraseFromAudit(
      principals: readonly string[],
    ): Promise<readonly { readonly principal: string; readonly person: string; readonly known: boolean }[]> {
      const { body } = await exchange.send({
        method: 'POST',
        path: '/api/v1/audit/erase',
        body: { principals },
      })
      if (!isRecord(body) || !Array.isArray(body.items)) throw another()
      return body.items.filter(isRecord).map(({ principal, person, known }) => ({
        principal: String(principal),
        person: String(person),
        known: known === true,
      }))
    },

    /** Answers how many entries were read back. */
    async resumeAudit(): Promise<number> {
      const { body } = await exchange.send({ method: 'POST', path: '/api/v1/audit/resume' })
      if (!isRecord(body)) throw another()
      return Number(body.entries)
    },
  }
}
