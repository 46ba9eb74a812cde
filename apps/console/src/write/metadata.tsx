// Name, place and labels of what is being written.
import { Form, Input, Select } from 'antd'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { writtenFrom } from '../api/documents.ts'
import { useLive } from '../kinds/live.tsx'
import type { Filling } from './filling.ts'
import { Entries } from './form.tsx'
import { isRecord, type Path, valueIn, withValue } from './json.ts'
import { ReferenceTo } from './reference.tsx'
import './words.ts'

const textSchema = { type: 'string' } as const

/** Where a document of the platform stands in this choice, which has no null. */
const platform = '-'

export function Metadata({ kind, value, onChange, details, isNew }: Filling) {
  const { t } = useTranslation('write')
  const may = useMay()
  const workspaces = useLive('Workspace')
  const id = useId()
  const at = (name: string): Path => ['metadata', name]
  const get = (name: string) => valueIn(value, at(name))
  const put = (name: string) => (next: unknown) =>
    onChange(withValue(value, at(name), next === '' ? undefined : next))
  const wrongOf = (name: string) => {
    const wrong = details.filter(
      ({ path }) => path === `metadata.${name}` || path.startsWith(`metadata.${name}.`),
    )
    return wrong.length === 0
      ? {}
      : { validateStatus: 'error' as const, help: wrong.map(({ message }) => message).join(' ') }
  }
  const textOf = (name: string) => {
    const given = get(name)
    return typeof given === 'string' ? given : ''
  }
  const places = [
    ...(kind.scope === 'either' ? [{ value: platform, label: t('platform') }] : []),
    ...workspaces.documents.map(({ metadata: { name, displayName } }) => ({
      value: name,
      label: displayName ?? name,
      disabled: !may(`${kind.noun}:create`, writtenFrom(kind, name)),
    })),
  ]
  const place = get('workspace')
  return (
    <>
      <Form.Item label={t('name')} htmlFor={`${id}name`} required extra={t('nameHelp')} {...wrongOf('name')}>
        <Input
          id={`${id}name`}
          value={textOf('name')}
          disabled={!isNew}
          autoFocus={isNew}
          autoComplete="off"
          spellCheck={false}
          maxLength={63}
          onChange={({ target }) => put('name')(target.value)}
        />
      </Form.Item>
      {kind.scope !== 'platform' && (
        <Form.Item
          label={t('workspace')}
          htmlFor={`${id}workspace`}
          required
          extra={isNew ? undefined : t('immutable')}
          {...wrongOf('workspace')}
        >
          <Select
            id={`${id}workspace`}
            disabled={!isNew}
            showSearch={{ optionFilterProp: 'label' }}
            placeholder={t('chooseWorkspace')}
            value={typeof place === 'string' ? place : place === null ? platform : null}
            options={places}
            onChange={(next: string | null) =>
              onChange(withValue(value, at('workspace'), next === platform ? null : next))
            }
          />
        </Form.Item>
      )}
      <Form.Item
        label={t('displayName')}
        htmlFor={`${id}display`}
        extra={t('displayNameHelp')}
        {...wrongOf('displayName')}
      >
        <Input
          id={`${id}display`}
          value={textOf('displayName')}
          maxLength={128}
          onChange={({ target }) => put('displayName')(target.value)}
        />
      </Form.Item>
      {kind.scope !== 'platform' && kind.kind !== 'Project' && (
        <Form.Item label={t('project')} htmlFor={`${id}project`} {...wrongOf('project')}>
          <ReferenceTo
            id={`${id}project`}
            to="Project"
            value={get('project')}
            onChange={next => put('project')(next)}
          />
        </Form.Item>
      )}
      <fieldset className="group">
        <legend>{t('labels')}</legend>
        {wrongOf('labels').help !== undefined && (
          <p role="alert" className="wrong">
            {wrongOf('labels').help}
          </p>
        )}
        {isRecord(value) && <Entries item={textSchema} path={['metadata', 'labels']} label={t('labels')} />}
      </fieldset>
    </>
  )
}
