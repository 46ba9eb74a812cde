// Signing in: by e-mail and password, or by whoever vouches for people here.
import { Fault } from '@switchyard/kinds/fault'
import { useQuery } from '@tanstack/react-query'
import { Alert, Button, Divider, Form, Input, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { FaultAlert } from '../shell/fault.tsx'
import { Mark } from '../shell/mark.tsx'
import { LanguageSwitch, ThemeSwitch } from '../shell/switches.tsx'
import { useSession, useStanding } from './context.tsx'

interface Fields {
  readonly email: string
  readonly password: string
}

interface SignInList {
  readonly items: readonly { readonly name: string; readonly displayName: string | null }[]
}

interface SignInFormProps {
  /** Who was here, and has left something on the page. */
  readonly email?: string
}

function SignInForm({ email }: SignInFormProps) {
  const { t } = useTranslation()
  const session = useSession()
  const [fault, setFault] = useState<Fault>()
  const [isBusy, setBusy] = useState(false)
  const providers = useQuery({
    queryKey: ['sso'],
    queryFn: async () =>
      (await session.exchange.send({ method: 'GET', path: '/api/v1/sso', anonymous: true }))
        .body as SignInList, // the console and the server are built together
  })
  const signIn = async ({ email: given, password }: Fields) => {
    setBusy(true)
    setFault(undefined)
    try {
      await session.signIn(given, password)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      setFault(error)
    } finally {
      setBusy(false)
    }
  }
  const isAgain = email !== undefined
  const back = new URL(isAgain ? '/console/signed-in' : location.href, location.origin)
  back.searchParams.set('signed-in', '')
  const here = encodeURIComponent(back.pathname + back.search)
  const others = providers.data?.items ?? []
  return (
    <Form<Fields>
      layout="vertical"
      requiredMark={false}
      onFinish={given => void signIn(given)}
      initialValues={{ email }}
    >
      <Form.Item name="email" label={t('signIn.email')} rules={[{ required: true, message: '' }]}>
        <Input type="email" autoComplete="username" autoFocus={!isAgain} />
      </Form.Item>
      <Form.Item name="password" label={t('signIn.password')} rules={[{ required: true, message: '' }]}>
        <Input.Password autoComplete="current-password" autoFocus={isAgain} />
      </Form.Item>
      {fault && <FaultAlert fault={fault} />}
      <Button type="primary" htmlType="submit" loading={isBusy} block>
        {t('signIn.submit')}
      </Button>
      {others.length > 0 && <Divider plain>{t('signIn.or')}</Divider>}
      {others.map(({ name, displayName }) => (
        <Button
          key={name}
          block
          href={`/api/v1/sso/${encodeURIComponent(name)}/start?return=${here}`}
          // Leaving the page would lose what it keeps.
          {...(isAgain && { target: '_blank' })}
        >
          {t(isAgain ? 'signIn.byTab' : 'signIn.by', { provider: displayName ?? name })}
        </Button>
      ))}
    </Form>
  )
}

export function SignInPage() {
  const { t } = useTranslation()
  return (
    <main className="sign-in">
      <header>
        <Mark />
        <div>
          <LanguageSwitch />
          <ThemeSwitch />
        </div>
      </header>
      <h1>{t('signIn.title')}</h1>
      <SignInForm />
      <p className="quiet">{t('signIn.first')}</p>
      <p className="quiet">{t('signIn.forgotten')}</p>
    </main>
  )
}

/** Over the page, which keeps all that was written in it. */
export function SignInAgain() {
  const { t } = useTranslation()
  const standing = useStanding()
  if (standing.type !== 'ended') return undefined
  return (
    <Modal open title={t('signIn.title')} footer={null} closable={false} mask={{ closable: false }}>
      <Alert type="info" title={t('signIn.ended')} className="before-form" />
      <SignInForm email={standing.person.email} />
    </Modal>
  )
}
