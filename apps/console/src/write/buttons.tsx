// What may be done to a document, beside its name.
import { Fault } from '@switchyard/kinds/fault'
import { useNavigate } from '@tanstack/react-router'
import { Modal, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { KindInfo } from '../api/catalogue.ts'
import { documentPath, writtenFrom } from '../api/documents.ts'
import { onPlatform } from '../kinds/names.ts'
import { ownActs, type Shown } from '../kinds/own.ts'
import { useSaid } from '../kinds/said.ts'
import { Confirm } from '../parts/confirm.tsx'
import { MayButton } from '../parts/may-button.tsx'
import { tell } from '../parts/messages.ts'
import { useExchange } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { Delete } from './delete.tsx'
import { Holds } from './holds.tsx'
import { SecretOnce } from './secret.tsx'
import './words.ts'

type Act = KindInfo['actions'][number]

function ActButton({ kind, document, act }: Shown & { readonly act: Act }) {
  const { t } = useTranslation('write')
  const said = useSaid()
  const exchange = useExchange()
  const [isOpen, setOpen] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [fault, setFault] = useState<Fault>()
  const [secret, setSecret] = useState<string>()
  const { name, workspace } = document.metadata
  const verb = said.field(act.verb)
  const asked = { title: t('actTitle', { verb, name }), onCancel: () => setOpen(false) }
  const perform = async () => {
    setBusy(true)
    setFault(undefined)
    try {
      const path = `${documentPath(kind, document.metadata)}/actions/${act.verb}`
      const { body } = await exchange.send({ method: 'POST', path, body: {} })
      setOpen(false)
      tell({ type: 'success', content: t('acted', { verb }) })
      setSecret((body as { readonly secret?: string }).secret) // the console and the server are built together
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      setFault(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <MayButton
        permission={act.permission}
        place={writtenFrom(kind, workspace)}
        onClick={() => setOpen(true)}
      >
        {verb}
      </MayButton>
      {act.binds ? (
        <Confirm
          {...asked}
          name={name}
          verb={verb}
          isBusy={isBusy}
          fault={fault}
          isOpen={isOpen}
          onConfirm={() => void perform()}
        >
          <Typography.Paragraph>{said.text(act.doc)}</Typography.Paragraph>
          <Holds document={document} />
        </Confirm>
      ) : (
        <Modal
          {...asked}
          open={isOpen}
          okText={verb}
          cancelText={t('cancel')}
          confirmLoading={isBusy}
          onOk={() => void perform()}
        >
          <Typography.Paragraph>{said.text(act.doc)}</Typography.Paragraph>
          {fault && <FaultAlert fault={fault} />}
        </Modal>
      )}
      <SecretOnce secret={secret} onClose={() => setSecret(undefined)} />
    </>
  )
}

/** Leads to where it is done. */
function LedButton({ kind, document, act, tab }: Shown & { readonly act: Act; readonly tab: string }) {
  const said = useSaid()
  const navigate = useNavigate()
  const { name, workspace } = document.metadata
  return (
    <MayButton
      permission={act.permission}
      place={writtenFrom(kind, workspace)}
      onClick={() =>
        void navigate({
          to: '/$plural/$workspace/$name',
          params: { plural: kind.plural, workspace: workspace ?? onPlatform, name },
          search: { tab, act: act.verb },
        })
      }
    >
      {said.field(act.verb)}…
    </MayButton>
  )
}

export function Buttons({ kind, document }: Shown) {
  const { t } = useTranslation('write')
  const navigate = useNavigate()
  const [isDeleting, setDeleting] = useState(false)
  const { workspace, name } = document.metadata
  const place = writtenFrom(kind, workspace)
  return (
    <div className="buttons">
      {kind.actions.map(act => {
        const tab = ownActs[kind.kind]?.[act.verb]
        return tab === undefined ? (
          <ActButton key={act.verb} kind={kind} document={document} act={act} />
        ) : (
          <LedButton key={act.verb} kind={kind} document={document} act={act} tab={tab} />
        )
      })}
      {!kind.system && (
        <MayButton
          permission={`${kind.noun}:update`}
          place={place}
          aria-keyshortcuts="e"
          onClick={() =>
            void navigate({
              to: '/$plural/$workspace/$name/edit',
              params: { plural: kind.plural, workspace: workspace ?? onPlatform, name },
            })
          }
        >
          {t('edit')}
        </MayButton>
      )}
      <MayButton danger permission={`${kind.noun}:delete`} place={place} onClick={() => setDeleting(true)}>
        {t('delete')}
      </MayButton>
      <Delete
        kind={kind}
        document={document}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onDeleted={() => void navigate({ to: '/$plural', params: { plural: kind.plural } })}
      />
    </div>
  )
}
