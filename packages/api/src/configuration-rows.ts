// Rows of the configuration file: how it stands on this server, and a check of another one against what is here.
import { findKind } from '@switchyard/kinds'
import { z } from 'zod'
import type { Configuration, Configure, Wanted } from './configure.ts'
import { guarded, type Row } from './route.ts'

/** How the file of this server stands. */
export interface ConfigurationState {
  /** Path of the file; undefined where the server follows none. */
  readonly file: string | undefined
  /** `refused`: the file is not taken, and what it said before is in force. */
  readonly phase: 'none' | 'applied' | 'refused'
  /** RFC 3339, of what is in force. */
  readonly appliedAt: string | undefined
  /** First 12 hex digits of the SHA-256 of the text that is in force. */
  readonly digest: string | undefined
  /** How many documents it makes. */
  readonly documents: number
  /** RFC 3339, of the refusal. */
  readonly refusedAt: string | undefined
  /** `FILE:LINE:COLUMN path: what to do`. */
  readonly problems: readonly string[]
}

export interface ConfigurationOptions {
  readonly configure: Configure
  readonly configuration: (() => ConfigurationState | undefined) | undefined
}

const stateSchema = z.object({
  file: z.string().optional(),
  phase: z.enum(['none', 'applied', 'refused']),
  appliedAt: z.string().optional(),
  digest: z.string().optional(),
  documents: z.int(),
  refusedAt: z.string().optional(),
  problems: z.array(z.string()),
})

const manifest = z.looseObject({
  kind: z.string().max(63),
  metadata: z.looseObject({ name: z.string().max(63), workspace: z.string().max(63).nullable().optional() }),
})

const checkSchema = z.strictObject({
  documents: z.array(manifest).max(10_000).describe('In the order in which they refer to each other.'),
})

const place = { kind: z.string(), workspace: z.string().nullable(), name: z.string() } as const
const checkedSchema = z.object({
  documents: z.array(
    z.object({ ...place, outcome: z.enum(['created', 'configured', 'unchanged', 'deleted', 'leaving']) }),
  ),
  problems: z.array(
    z.object({
      ...place,
      index: z.int().optional().describe('Place in what was sent; absent for one that was to go.'),
      code: z.string(),
      reason: z.string(),
      message: z.string(),
      details: z.array(z.object({ path: z.string(), rule: z.string(), message: z.string() })),
    }),
  ),
})

export function configurationRows({ configure, configuration }: ConfigurationOptions): readonly Row[] {
  return [
    guarded(
      { permission: 'system:admin' },
      {
        method: 'GET',
        path: '/api/v1/configuration',
        doc: 'How the configuration file of this server stands: what is in force, and why a newer one is not.',
        locate: () => ({ workspace: null }),
        output: [{ status: 200, doc: 'Its state.', schema: stateSchema }],
      },
      {},
      async () => ({ status: 200, body: configuration?.() ?? noFile }),
    ),
    guarded(
      { permission: 'system:admin' },
      {
        method: 'POST',
        path: '/api/v1/configuration/check',
        doc: 'What a configuration file with these documents would change here. Nothing is written.',
        locate: () => ({ workspace: null }),
        output: [
          { status: 200, doc: 'What would be written, or every reason why not.', schema: checkedSchema },
        ],
      },
      { body: checkSchema },
      async ({ body }) => ({
        status: 200,
        body: answerOf(await configure(body.documents.map(wantedOf), { dryRun: true })),
      }),
    ),
  ]
}

const noFile: ConfigurationState = Object.freeze({
  file: undefined,
  phase: 'none',
  appliedAt: undefined,
  digest: undefined,
  documents: 0,
  refusedAt: undefined,
  problems: [],
})

function wantedOf(given: z.output<typeof manifest>): Wanted {
  const { kind, metadata } = given
  const platform = findKind(kind)?.scope === 'platform'
  return {
    kind,
    name: metadata.name,
    workspace: platform ? null : (metadata.workspace ?? null),
    manifest: given,
  }
}

function answerOf({ documents, objections }: Configuration) {
  return {
    documents,
    problems: objections.map(({ index, document, fault: { code, reason, message, details } }) => {
      const { kind, workspace, name } = document
      return { kind, workspace, name, ...(index !== undefined && { index }), code, reason, message, details }
    }),
  }
}
