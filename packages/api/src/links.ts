// How a one-time link reaches its person: by mail where the installation can send any, else by whoever asked for it.
import { Fault } from '@switchyard/kinds'
import type { Mail, Mailer } from '@switchyard/runtime'
import { z } from 'zod'
import type { ApiObservation } from './observation.ts'

/** How long an invitation works when nothing else is said. */
export const linkDays = 7

export const deliveredSchema = z.object({
  mailed: z.boolean().describe('The link went to the person by mail, and is shown to nobody else.'),
  url: z.string().optional().describe('The link, shown this once, where it was not mailed.'),
})

export async function deliver(
  mailer: Mailer | undefined,
  mail: Mail,
  url: string,
  observe: (observation: ApiObservation) => void,
): Promise<z.output<typeof deliveredSchema>> {
  if (!mailer) return { mailed: false, url }
  try {
    await mailer.send(mail)
    return { mailed: true }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    // The link stands: whoever made it can hand it over.
    observe({ type: 'mail_failed', error })
    return { mailed: false, url }
  }
}
