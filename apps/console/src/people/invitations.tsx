// Invitations that stand, and making one: its link is shown once.
import { Fault } from '@switchyard/kinds/fault'
import { useQueryClient } from '@tanstack/react-query'
import { Button, Modal, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { useExchange } from '../session/context.tsx'
import { Failed, Forbidden } from '../shell/states.tsx'
import { Act } from './act.tsx'
import { type Invitation, type MadeLink, useAsked } from './asked.ts'
import { InviteForm } from './invite.tsx'
import { OnceLink } from './link.tsx'
import './people.css'
import './words.ts'

const path = '/api/v1/invitations'

function List() {
  const { t } = useTranslation('people')
  const exchange = useExchange()
  const queries = useQueryClient()
  const [isOpen, setOpen] = useState(false)
  const [made, setMade] = useState<Invitation & MadeLink>()
  const { data, error, isPending, refetch } = useAsked<{ items: readonly Invitation[] }>(path, 10_000)
  if (error) {
    if (!(error instanceof Fault)) throw error
    return <Failed fault={error} again={() => void refetch()} />
  }
  const place = (workspace: string | null) => workspace ?? t('everywhere')
  const rolesOf = ({ roles }: Invitation) =>
    roles.map(({ role, workspace }) => `${role.replace('platform/', '')} (${place(workspace)})`).join(', ')
  const columns: readonly FactColumn<Invitation>[] = [
    { key: 'email', title: t('email'), text: ({ email }) => email },
    { key: 'roles', title: t('roles'), text: rolesOf },
    { key: 'by', title: t('invitedBy'), text: ({ invitedBy }) => invitedBy.replace('user:', '') },
    {
      key: 'made',
      title: t('made'),
      text: ({ createdAt }) => createdAt,
      render: ({ createdAt }) => <Moment at={createdAt} />,
    },
    {
      key: 'ends',
      title: t('ends'),
      text: ({ expiresAt }) => expiresAt,
      render: ({ expiresAt }) => <Moment at={expiresAt} />,
    },
    {
      key: 'withdraw',
      title: '',
      text: () => '',
      render: ({ id, email }) => (
        <Act
          size="small"
          label={t('withdraw')}
          of={email}
          question={t('withdrawAsk', { email })}
          typed={email}
          act={async () => {
            await exchange.send({ method: 'DELETE', path: `${path}/${id}` })
            await refetch()
          }}
        />
      ),
    },
  ]
  return (
    <>
      {made && <OnceLink title={t('invited', { email: made.email })} link={made} />}
      <FactTable
        name="invitations"
        label={t('invitations')}
        columns={columns}
        rowKey={({ id }) => id}
        facts={data?.items ?? []}
        isPending={isPending}
        empty={t('noInvitations')}
        tools={
          <Button type="primary" onClick={() => setOpen(true)}>
            {t('invite')}
          </Button>
        }
      />
      <Modal open={isOpen} title={t('invite')} footer={null} destroyOnHidden onCancel={() => setOpen(false)}>
        <InviteForm
          invited={invitation => {
            setMade(invitation)
            setOpen(false)
            void queries.invalidateQueries({ queryKey: ['asked', path] })
          }}
        />
      </Modal>
    </>
  )
}

export function Invitations() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('people')
  const may = useMay()
  return (
    <>
      <Typography.Title level={1}>{t('screens.invitations')}</Typography.Title>
      <Typography.Paragraph type="secondary">{say('aboutInvitations')}</Typography.Paragraph>
      {may('user:create', null) ? <List /> : <Forbidden what={say('invitations')} permission="user:create" />}
    </>
  )
}
