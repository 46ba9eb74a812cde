// The form that invites a person: an address, and the roles that are promised.
import { Fault } from '@switchyard/kinds/fault'
import { Button, Form, Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLive } from '../kinds/live.tsx'
import { useExchange } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import type { Invitation, MadeLink } from './asked.ts'
import './words.ts'

interface Written {
  readonly email: string
  readonly displayName?: string
  readonly roles?: readonly { readonly role: string; readonly place: string }[]
}

/** No workspace has this name. */
const everywhere = ''

export function InviteForm({ invited }: { invited: (invitation: Invitation & MadeLink) => void }) {
  const { t } = useTranslation('people')
  const exchange = useExchange()
  const roles = useLive('Role')
  const workspaces = useLive('Workspace')
  const [fault, setFault] = useState<Fault>()
  const [isBusy, setBusy] = useState(false)
  const invite = async ({ email, displayName, roles: given = [] }: Written) => {
    setBusy(true)
    setFault(undefined)
    try {
      const { body } = await exchange.send({
        method: 'POST',
        path: '/api/v1/invitations',
        body: {
          email,
          ...(displayName && { displayName }),
          roles: given.map(({ role, place }) => ({ role, workspace: place === everywhere ? null : place })),
        },
      })
      invited(body as Invitation & MadeLink) // the console and the server are built together
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      setFault(error)
    } finally {
      setBusy(false)
    }
  }
  const roleOptions = roles.documents.flatMap(({ metadata: { workspace, name } }) =>
    workspace === null ? [{ value: `platform/${name}`, label: name }] : [],
  )
  const placeOptions = [
    { value: everywhere, label: t('everywhere') },
    ...workspaces.documents.map(({ metadata: { name } }) => ({ value: name, label: name })),
  ]
  return (
    <Form<Written> layout="vertical" requiredMark={false} onFinish={given => void invite(given)}>
      <Form.Item name="email" label={t('email')} rules={[{ required: true, message: '' }]}>
        <Input type="email" autoComplete="off" />
      </Form.Item>
      <Form.Item name="displayName" label={t('displayName')}>
        <Input autoComplete="off" maxLength={128} />
      </Form.Item>
      <Form.List name="roles">
        {(fields, { add, remove }) => (
          <Form.Item label={t('roles')} extra={fields.length === 0 && t('noRole')}>
            {fields.map(({ key, name }) => (
              <div key={key} className="granted">
                <Form.Item noStyle name={[name, 'role']} rules={[{ required: true, message: '' }]}>
                  <Select aria-label={t('role')} placeholder={t('role')} options={roleOptions} showSearch />
                </Form.Item>
                <Form.Item noStyle name={[name, 'place']}>
                  <Select aria-label={t('where')} options={placeOptions} showSearch />
                </Form.Item>
                <Button type="text" aria-label={t('removeRole')} onClick={() => remove(name)}>
                  ×
                </Button>
              </div>
            ))}
            <Button onClick={() => add({ place: everywhere })}>{t('addRole')}</Button>
          </Form.Item>
        )}
      </Form.List>
      {fault && <FaultAlert fault={fault} />}
      <Button type="primary" htmlType="submit" loading={isBusy} block>
        {t('invite')}
      </Button>
    </Form>
  )
}
