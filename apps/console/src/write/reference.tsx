// Choosing documents that another refers to, from those that are there now.
import { Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { useCatalogue, useMay } from '../api/catalogue.ts'
import { useLive } from '../kinds/live.tsx'
import { oneOf } from '../kinds/names.ts'
import { usePreferences } from '../preferences.ts'
import { isRecord } from './json.ts'
import { useWorkspaceOfDraft } from './place.ts'
import './words.ts'

interface ReferenceProps {
  readonly id: string
  readonly to: string
  readonly value: unknown
  readonly onChange: (value: unknown) => void
  readonly isMany?: boolean
  readonly disabled?: boolean
  readonly status?: 'error'
  readonly placeholder?: string
}

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map(String) : typeof value === 'string' && value !== '' ? [value] : []

export function ReferenceTo(props: ReferenceProps) {
  const may = useMay()
  const kind = useCatalogue().find(one => one.kind === props.to)
  // Whoever may not see them writes the name.
  if (!kind || !may(`${kind.noun}:read`)) return <Named {...props} />
  return <Listed {...props} isPlatform={kind.scope === 'platform'} />
}

function Named({ isMany = false, value, onChange, to: _known, ...input }: ReferenceProps) {
  if (isMany)
    return (
      <Select
        {...input}
        mode="tags"
        open={false}
        value={[...texts(value)]}
        onChange={next => onChange(next)}
      />
    )
  return (
    <Input
      {...input}
      value={texts(value)[0] ?? ''}
      onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
    />
  )
}

function Listed({
  to,
  value,
  onChange,
  isMany = false,
  isPlatform,
  ...select
}: ReferenceProps & { isPlatform: boolean }) {
  const workspace = useWorkspaceOfDraft()
  const live = useLive(to)
  const given = texts(value)
  const names = live.documents
    .filter(({ metadata }) => metadata.workspace === null || metadata.workspace === workspace)
    .map(({ metadata }) =>
      metadata.workspace === null && !isPlatform ? `platform/${metadata.name}` : metadata.name,
    )
  const options = [...new Set([...given, ...names.sort()])].map(name => ({ value: name, label: name }))
  const common = { ...select, options, loading: !live.isComplete, showSearch: true }
  if (isMany)
    return <Select {...common} mode="multiple" value={[...given]} onChange={next => onChange(next)} />
  return (
    <Select
      {...common}
      allowClear
      value={given[0] ?? null}
      onChange={(next: string | null | undefined) => onChange(next ?? undefined)}
    />
  )
}

const principals = ['User', 'ServiceAccount'] as const

interface PrincipalProps {
  readonly id: string
  readonly value: unknown
  readonly onChange: (value: unknown) => void
  readonly isDisabled: boolean
}

/** Who owns something: a person or a service account, by kind and name. */
export function PrincipalOf({ id, value, onChange, isDisabled }: PrincipalProps) {
  const { t } = useTranslation('write')
  const { language } = usePreferences()
  const catalogue = useCatalogue()
  const given = isRecord(value) ? value : {}
  const kind = typeof given.kind === 'string' ? given.kind : 'User'
  return (
    <div className="entry">
      <Select
        id={`${id}kind`}
        aria-label={t('kind')}
        className="principal"
        disabled={isDisabled}
        value={kind}
        options={principals.map(name => {
          const known = catalogue.find(one => one.kind === name)
          return { value: name, label: known ? oneOf(known, language) : name }
        })}
        onChange={next => onChange({ kind: next })}
      />
      <div className="grow">
        <label className="unseen" htmlFor={id}>
          {t('name')}
        </label>
        <ReferenceTo
          id={id}
          to={kind}
          disabled={isDisabled}
          placeholder={t('name')}
          value={given.name}
          onChange={name => onChange(name === undefined ? { kind } : { ...given, kind, name })}
        />
      </div>
    </div>
  )
}
