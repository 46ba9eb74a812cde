// Trying a provider: whoever may use it may see whether it answers, and what is wrong when it does not.
import { type credential, type DocumentOf, findKind, type provider, secretFrom } from '@switchyard/kinds'
import type { Key, Store, Vault } from '@switchyard/runtime'
import { z } from 'zod'
import { absent, type Caller, identityOf, permits } from './authorize.ts'
import { findings, type Held, type TestOptions, testProvider } from './provider-test.ts'
import { guarded, type Params, type Row } from './route.ts'

export interface ProviderTestOptions extends Pick<TestOptions, 'outside' | 'monotonic'> {
  readonly store: Store
  readonly vault: Vault | undefined
}

const answerSchema = z.object({
  finding: z.enum(findings).describe('What was found, for programs.'),
  message: z.string().describe('What it means and what to do.'),
  address: z.string().describe('What was asked for.'),
  status: z.int().optional().describe('Of its answer; absent where nothing answered.'),
  milliseconds: z.int().describe('Until its whole answer, the name and the handshake included.'),
  models: z.array(z.string()).describe('As the provider calls them; at most 1000.'),
  missing: z.array(z.string()).describe('Models of the document that it does not list.'),
})

export function providerRows(options: ProviderTestOptions): readonly Row[] {
  const row = (path: string, placeOf: (params: Params) => string | null) =>
    guarded(
      { permission: 'provider:use' },
      {
        method: 'POST',
        path: `${path}/{name}/actions/test`,
        doc: 'Dials a provider with its credential and asks for its models; 8 s at most. It changes nothing.',
        locate: params => ({ workspace: placeOf(params) ?? undefined, name: params.name ?? '' }),
        output: [{ status: 200, doc: 'What was found, good or bad.', schema: answerSchema }],
        kind: 'Provider',
        action: 'provider.test',
      },
      {},
      async ({ params, caller, signal }) => {
        const key = { kind: 'Provider', workspace: placeOf(params), name: params.name ?? '' }
        const { document, held } = await found(options, caller, key)
        return { status: 200, body: await testProvider(document, held, { ...options, signal }) }
      },
    )
  return [row('/api/v1/workspaces/{w}/providers', ({ w = '' }) => w), row('/api/v1/providers', () => null)]
}

async function found(
  { store, vault }: ProviderTestOptions,
  caller: Caller,
  key: Key,
): Promise<{ readonly document: DocumentOf<typeof provider>; readonly held: Held | undefined }> {
  const document = (await store.read(identityOf(caller), tx => tx.get(key))) as
    | DocumentOf<typeof provider>
    | undefined // by kind
  const kind = findKind('Provider')
  if (!document || !kind || !permits(caller, kind, 'use', document)) throw absent('Provider', key.name)
  const { credential: reference } = document.spec
  if (reference === undefined) return { document, held: undefined }
  const place = reference.startsWith('platform/')
    ? { workspace: null, name: reference.slice('platform/'.length) }
    : { workspace: document.metadata.workspace, name: reference }
  // The provider's own reference, as the gateway follows it: whoever may use the provider uses its credential.
  const credentialDocument = (await store.read({ role: 'control' }, tx =>
    tx.get({ kind: 'Credential', ...place }),
  )) as DocumentOf<typeof credential> | undefined // by kind
  const secrets = credentialDocument && (await vault?.read('Credential', 'provider test'))?.secrets
  const fields = credentialDocument && secrets?.get(credentialDocument.metadata.id)?.reveal()
  if (!credentialDocument || !fields) return { document, held: undefined }
  return { document, held: { document: credentialDocument, secret: secretFrom(fields) } }
}
