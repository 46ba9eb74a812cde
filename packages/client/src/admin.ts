// For who runs the installation: versions of the master key, and whether all is in order.
import type { DoctorReport, MasterKeys } from '@switchyard/api'
import { Fault } from '@switchyard/kinds'
import type { Exchange } from './exchange.ts'
import { isRecord } from './values.ts'

export type { MasterKeys }

const another = (what: string) =>
  new Fault('internal', `The server answered with something that is no ${what}. Is it another version?`)

export function adminCalls(exchange: Exchange) {
  const keys = async (method: 'GET' | 'DELETE', path: string): Promise<MasterKeys> => {
    const { body } = await exchange.send({ method, path })
    if (!isRecord(body) || !Array.isArray(body.items) || !isRecord(body.rewrap)) throw another('list of keys')
    return body as unknown as MasterKeys // the server's own schema made it
  }
  return {
    masterKeys: () => keys('GET', '/api/v1/masterkeys'),

    /** Adds a version; the server brings all under it in the background. */
    async rotateMasterKey(): Promise<MasterKeys['items'][number]> {
      const { body } = await exchange.send({ method: 'POST', path: '/api/v1/masterkeys/actions/rotate' })
      if (!isRecord(body) || typeof body.version !== 'number') throw another('version of a key')
      return body as unknown as MasterKeys['items'][number] // the same
    },

    /** `conflict` while something is sealed under it. */
    dropMasterKey: (version: number) => keys('DELETE', `/api/v1/masterkeys/${version}`),

    /** Every check of the server. */
    async doctor(): Promise<DoctorReport> {
      const { body } = await exchange.send({ method: 'GET', path: '/api/v1/doctor' })
      if (!isRecord(body) || !Array.isArray(body.checks)) throw another('report of a doctor')
      return body as unknown as DoctorReport // the same
    },
  }
}
