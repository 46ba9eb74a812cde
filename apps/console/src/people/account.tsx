// One's own account: who one is, the password, sessions, rights, language and theme.
import { Fault } from '@switchyard/kinds/fault'
import { Alert, Button, Descriptions, Form, Input, Segmented, Tabs, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { prefer, type Theme, usePreferences } from '../preferences.ts'
import { useExchange, useStanding } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { type Language, languages } from '../words/index.ts'
import { RightsOf } from './rights.tsx'
import { Sessions } from './sessions.tsx'
import './people.css'
import './words.ts'

interface Passwords {
  readonly current: string
  readonly password: string
}

function PasswordForm() {
  const { t } = useTranslation('people')
  const exchange = useExchange()
  const [form] = Form.useForm<Passwords>()
  const [fault, setFault] = useState<Fault>()
  const [state, setState] = useState<'still' | 'busy' | 'changed'>('still')
  const change = async (body: Passwords) => {
    setState('busy')
    setFault(undefined)
    try {
      await exchange.send({ method: 'PUT', path: '/api/v1/password', body })
      form.resetFields()
      setState('changed')
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      setFault(error)
      setState('still')
    }
  }
  return (
    <Form<Passwords>
      form={form}
      layout="vertical"
      requiredMark={false}
      className="narrow-form"
      onFinish={given => void change(given)}
    >
      <Form.Item name="current" label={t('oldPassword')} rules={[{ required: true, message: '' }]}>
        <Input.Password autoComplete="current-password" />
      </Form.Item>
      <Form.Item
        name="password"
        label={t('newPassword')}
        extra={t('hint')}
        rules={[{ required: true, message: '' }]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      {fault && <FaultAlert fault={fault} />}
      {state === 'changed' && <Alert type="success" showIcon title={t('changed')} className="before-form" />}
      <Button htmlType="submit" loading={state === 'busy'}>
        {t('change')}
      </Button>
    </Form>
  )
}

function Look() {
  const { t } = useTranslation()
  const { language, theme } = usePreferences()
  return (
    <div className="check">
      <Segmented<Language>
        aria-label={t('shell.language')}
        value={language}
        options={Object.entries(languages).map(([value, label]) => ({ value: value as Language, label }))}
        onChange={value => prefer({ language: value })}
      />
      <Segmented<Theme>
        aria-label={t('shell.theme')}
        value={theme}
        options={(['light', 'dark', 'system'] as const).map(value => ({ value, label: t(`shell.${value}`) }))}
        onChange={value => prefer({ theme: value })}
      />
    </div>
  )
}

export function AccountPage() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('people')
  const standing = useStanding()
  const person = 'person' in standing ? standing.person : undefined
  const name = person?.displayName || (person?.name ?? '')
  const parts = [
    [say('look'), <Look key="look" />],
    [say('password'), <PasswordForm key="password" />],
  ] as const
  return (
    <>
      <Typography.Title level={1}>{t('shell.account')}</Typography.Title>
      <Typography.Paragraph type="secondary">{say('aboutAccount')}</Typography.Paragraph>
      <Tabs
        items={[
          {
            key: 'profile',
            label: say('profile'),
            children: (
              <>
                <Descriptions
                  bordered
                  size="small"
                  column={1}
                  items={[
                    { key: 'name', label: say('you'), children: name },
                    { key: 'email', label: say('email'), children: person?.email },
                    {
                      key: 'account',
                      label: t('shell.account'),
                      children: <Typography.Text copyable>{`user:${person?.name ?? ''}`}</Typography.Text>,
                    },
                  ]}
                />
                {parts.map(([title, body]) => (
                  <section key={title} className="part">
                    <h2>{title}</h2>
                    {body}
                  </section>
                ))}
              </>
            ),
          },
          {
            key: 'sessions',
            label: say('mySessions'),
            children: <Sessions path="/api/v1/sessions" who={name} />,
          },
          {
            key: 'rights',
            label: say('myRights'),
            children: <RightsOf path="/api/v1/rights" who={name} />,
          },
        ]}
      />
    </>
  )
}
