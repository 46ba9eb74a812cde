// A new API key: for whom, where, for which models, how much and how long; then its secret, once.
import type { Document } from '@switchyard/kinds'
import { Fault } from '@switchyard/kinds/fault'
import { useMutation } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Button, Form, Input, InputNumber, Select, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { useLive } from '../kinds/live.tsx'
import { useExchange, useStanding } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { Forbidden } from '../shell/states.tsx'
import './keys.css'
import { type Draft, documentOf, lives } from './draft.ts'
import { useModels } from './models.ts'
import { useFirstProject, useFirstWorkspace, useProjects, useWorkspaces } from './places.ts'
import { ShownOnce } from './shown-once.tsx'
import './words.ts'

const nameForm = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

interface Made {
  readonly document: Document
  readonly secret: string
}

function useOwners(workspace: string) {
  const { t } = useTranslation('keys')
  const standing = useStanding()
  const accounts = useLive('ServiceAccount').documents.filter(
    ({ metadata }) => metadata.workspace === workspace,
  )
  const me = 'person' in standing ? standing.person.name : ''
  return [
    { value: `User/${me}`, label: t('me', { name: me }) },
    ...accounts.map(({ metadata: { name } }) => ({
      value: `ServiceAccount/${name}`,
      label: t('account', { name }),
    })),
  ]
}

function NewKey() {
  const { t } = useTranslation('keys')
  const exchange = useExchange()
  const navigate = useNavigate()
  const workspaces = useWorkspaces('api_key:create')
  const first = useFirstWorkspace(workspaces)
  const [form] = Form.useForm<Draft>()
  const workspace = Form.useWatch('workspace', form) ?? first
  const projects = useProjects(workspace)
  const firstProject = useFirstProject(first)
  const owners = useOwners(workspace)
  const { names } = useModels({ workspace })
  const [made, setMade] = useState<Made>()
  const create = useMutation({
    mutationFn: async (draft: Draft) => {
      const path = `/api/v1/workspaces/${encodeURIComponent(draft.workspace)}/apikeys`
      const { body } = await exchange.send({ method: 'POST', path, body: documentOf(draft, Date.now()) })
      const { secret, ...document } = body as Document & { readonly secret: string } // a key's secret comes with its making
      return { document, secret }
    },
    onSuccess: setMade,
  })
  if (create.error && !(create.error instanceof Fault)) throw create.error
  if (made) {
    const { name, workspace: place } = made.document.metadata
    return (
      <ShownOnce
        title={t('madeTitle')}
        name={name}
        workspace={place ?? ''}
        secret={made.secret}
        models={names}
        onDone={() =>
          void navigate({
            to: '/$plural/$workspace/$name',
            params: { plural: 'apikeys', workspace: place ?? '', name },
          })
        }
      />
    )
  }
  const required = [{ required: true, message: t('required') }]
  return (
    <Form<Draft>
      className="key-form"
      form={form}
      layout="vertical"
      requiredMark="optional"
      initialValues={{
        workspace: first,
        project: firstProject,
        owner: owners[0]?.value,
        models: [],
        life: '90d',
      }}
      onFinish={draft => create.mutate(draft)}
    >
      {create.error && <FaultAlert fault={create.error} />}
      <Form.Item
        name="name"
        label={t('name')}
        extra={t('nameHelp')}
        rules={[...required, { pattern: nameForm, message: t('nameBad') }]}
      >
        <Input autoComplete="off" autoFocus maxLength={63} />
      </Form.Item>
      <div className="pair">
        <Form.Item name="workspace" label={t('workspace')} rules={required}>
          <Select
            showSearch
            options={[...workspaces]}
            onChange={() => {
              form.resetFields(['owner'])
              form.setFieldValue('project', '')
            }}
          />
        </Form.Item>
        <Form.Item name="project" label={t('project')} extra={t('projectHelp')}>
          <Select showSearch options={[{ value: '', label: t('noProject') }, ...projects]} />
        </Form.Item>
      </div>
      <Form.Item name="owner" label={t('owner')} extra={t('ownerHelp')} rules={required}>
        <Select showSearch options={owners} />
      </Form.Item>
      <Form.Item name="models" label={t('models')} extra={t('modelsHelp')}>
        <Select
          mode="tags"
          placeholder={t('anyModel')}
          options={names.map(value => ({ value }))}
          tokenSeparators={[',', ' ']}
        />
      </Form.Item>
      <fieldset>
        <legend>{t('limits')}</legend>
        <Typography.Paragraph type="secondary">{t('limitsHelp')}</Typography.Paragraph>
        <div className="pair">
          <Form.Item name="requestsPerMinute" label={t('requestsPerMinute')}>
            <InputNumber min={1} precision={0} />
          </Form.Item>
          <Form.Item name="tokensPerMinute" label={t('tokensPerMinute')}>
            <InputNumber min={1} precision={0} />
          </Form.Item>
          <Form.Item name="concurrency" label={t('concurrency')}>
            <InputNumber min={1} max={1_000_000} precision={0} />
          </Form.Item>
          <Form.Item name="moneyPerMonth" label={t('moneyPerMonth')}>
            <InputNumber<string> stringMode min="0" />
          </Form.Item>
          <Form.Item name="currency" label={t('currency')}>
            <Input maxLength={3} placeholder="USD" />
          </Form.Item>
        </div>
      </fieldset>
      <Form.Item name="life" label={t('expires')}>
        <Select options={lives.map(({ value, word }) => ({ value, label: t(word) }))} />
      </Form.Item>
      <div className="tools">
        <Button type="primary" htmlType="submit" loading={create.isPending}>
          {t('create')}
        </Button>
        <Link to="/$plural" params={{ plural: 'apikeys' }}>
          {t('cancel')}
        </Link>
      </div>
    </Form>
  )
}

export function NewKeyPage() {
  const { t } = useTranslation('keys')
  const may = useMay()
  const workspaces = useLive('Workspace')
  if (!may('api_key:create')) return <Forbidden what={t('keys')} permission="api_key:create" />
  return (
    <>
      <Typography.Title level={1}>{t('title')}</Typography.Title>
      <Typography.Paragraph type="secondary">{t('about')}</Typography.Paragraph>
      {workspaces.isComplete && <NewKey />}
    </>
  )
}
