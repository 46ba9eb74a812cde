// A change of the tiers on its way: what the server says of it beforehand, and saving it where nobody else has changed
// the route since.
import { Fault } from '@switchyard/kinds/fault'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Alert, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { type Document, useKind } from '../api/catalogue.ts'
import { useExchange } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { useUndo } from '../write/undo.tsx'
import type { RouteDocument, Tiers } from './documents.ts'

interface SavingProps {
  /** As it was when the change was begun. */
  readonly base: RouteDocument
  readonly tiers: Tiers
  readonly onDone: () => void
}

/** Whoever is still writing is not asked about each letter. */
const pauseMilliseconds = 300

export function Saving({ base, tiers, onDone }: SavingProps) {
  const { t } = useTranslation('routes')
  const kind = useKind('routes')
  const offerUndo = useUndo()
  const exchange = useExchange()
  const { workspace, name, resourceVersion } = base.metadata
  const send = (dryRun: boolean, signal?: AbortSignal) =>
    exchange.send({
      method: 'PATCH',
      path: `/api/v1/workspaces/${encodeURIComponent(workspace ?? '')}/routes/${encodeURIComponent(name)}`,
      query: { dryRun: dryRun ? true : undefined },
      headers: { 'if-match': `"${resourceVersion}"`, 'content-type': 'application/merge-patch+json' },
      body: { spec: { tiers } },
      signal,
    })
  const asked = useQuery({
    queryKey: ['route change', base.metadata.id, resourceVersion, tiers],
    gcTime: 0,
    // What the server says is an answer here, also when it refuses.
    queryFn: async ({ signal }): Promise<Fault | null> => {
      await new Promise(done => setTimeout(done, pauseMilliseconds))
      signal.throwIfAborted()
      try {
        await send(true, signal)
        return null
      } catch (error) {
        if (error instanceof Fault) return error
        throw error
      }
    },
  })
  const saving = useMutation({
    mutationFn: () => send(false),
    onSuccess({ body }) {
      if (kind) offerUndo(kind, [{ before: base, after: body as Document }], t('edit.saved')) // built together
      onDone()
    },
  })
  const fault = saving.error instanceof Fault ? saving.error : asked.data
  return (
    <div className="saving" aria-live="polite">
      {fault?.code === 'conflict' ? (
        <Alert type="warning" showIcon title={t('edit.conflict')} />
      ) : fault ? (
        <FaultAlert fault={fault} />
      ) : (
        <Alert
          type={asked.data === null ? 'success' : 'info'}
          showIcon
          title={`${t('edit.changed')} ${asked.data === null ? t('edit.fine') : t('edit.checking')}`}
        />
      )}
      <div className="tools">
        <Button
          type="primary"
          disabled={asked.data !== null}
          loading={saving.isPending}
          onClick={() => saving.mutate()}
        >
          {t('edit.save')}
        </Button>
        <Button onClick={onDone}>{t('edit.discard')}</Button>
      </div>
    </div>
  )
}
