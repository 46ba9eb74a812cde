// What is looked for: who, what, of which kind and name, with what result, when. And taking it away.
import { Fault } from '@switchyard/kinds/fault'
import { Button, Dropdown, Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCatalogue, useMay } from '../api/catalogue.ts'
import { manyOf } from '../kinds/names.ts'
import { keepText } from '../parts/keep.ts'
import { tell } from '../parts/messages.ts'
import { usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import { useRefusal } from '../shell/refusal.ts'
import { type AuditField, type AuditSearch, queryOf } from './search.ts'
import './words.ts'

interface SoughtProps {
  readonly search: AuditSearch
  readonly look: (search: AuditSearch) => void
}

/** Asked for when it is left or sent, and not with every letter. */
function TextField({
  name,
  label,
  search,
  look,
}: SoughtProps & { readonly name: AuditField; readonly label: string }) {
  const [written, setWritten] = useState(search[name] ?? '')
  const { [name]: present = '', ...rest } = search
  const send = () => {
    const text = written.trim()
    if (text !== present) look(text === '' ? rest : { ...rest, [name]: text })
  }
  return (
    <Input
      allowClear
      className="sought"
      aria-label={label}
      placeholder={label}
      value={written}
      onChange={({ target }) => setWritten(target.value)}
      onPressEnter={send}
      onBlur={send}
    />
  )
}

function TimeField({
  name,
  label,
  search,
  look,
}: SoughtProps & { readonly name: 'from' | 'to'; readonly label: string }) {
  const { [name]: present = '', ...rest } = search
  return (
    <Input
      type="datetime-local"
      className="moment"
      prefix={<span className="quiet">{label}</span>}
      aria-label={label}
      value={present}
      onChange={({ target: { value } }) => look(value === '' ? rest : { ...rest, [name]: value })}
    />
  )
}

const outcomes = ['success', 'denied', 'failed'] as const

export function Sought({ search, look }: SoughtProps) {
  const { t } = useTranslation('audit')
  const { language } = usePreferences()
  const catalogue = useCatalogue()
  const pick = (name: 'kind' | 'outcome', value: string | undefined) => {
    const { [name]: _, ...rest } = search
    look(value === undefined ? rest : { ...rest, [name]: value })
  }
  return (
    // What was written is written anew where the address changes otherwise.
    <div className="tools" key={JSON.stringify(search)}>
      <TextField name="q" label={t('words')} search={search} look={look} />
      <TextField name="actor" label={t('actorHint')} search={search} look={look} />
      <TextField name="action" label={t('actionHint')} search={search} look={look} />
      <Select
        allowClear
        className="dimension"
        aria-label={t('kind')}
        placeholder={t('anyKind')}
        value={search.kind ?? null}
        showSearch={{ optionFilterProp: 'label' }}
        options={catalogue.map(kind => ({ value: kind.kind, label: manyOf(kind, language) }))}
        onChange={value => pick('kind', value ?? undefined)}
      />
      <TextField name="name" label={t('name')} search={search} look={look} />
      <Select
        allowClear
        className="dimension"
        aria-label={t('outcome')}
        placeholder={t('anyOutcome')}
        value={search.outcome ?? null}
        options={outcomes.map(value => ({ value, label: t(`outcomes.${value}`) }))}
        onChange={value => pick('outcome', value ?? undefined)}
      />
      <TimeField name="from" label={t('from')} search={search} look={look} />
      <TimeField name="to" label={t('to')} search={search} look={look} />
      {Object.keys(search).length > 0 && <Button onClick={() => look({})}>{t('clear')}</Button>}
    </div>
  )
}

const forms = ['json', 'ocsf', 'cloudevents', 'proofs'] as const

/** `path` is that of the list. */
export function Export({ path, search }: { readonly path: string; readonly search: AuditSearch }) {
  const { t } = useTranslation('audit')
  const may = useMay()
  const exchange = useExchange()
  const says = useRefusal()
  const [isBusy, setBusy] = useState(false)
  if (!may('audit:export')) return undefined
  const take = async (form: (typeof forms)[number]) => {
    setBusy(true)
    try {
      const query = { ...queryOf(search), ...(form === 'proofs' ? { proofs: true } : { form }) }
      const { body } = await exchange.send({ method: 'GET', path: `${path}/export`, query })
      // Lines of JSON; one line alone is read as JSON on its way.
      keepText(
        `audit-${form}.jsonl`,
        typeof body === 'string' ? body : JSON.stringify(body),
        'application/x-ndjson',
      )
      tell({ type: 'success', content: t('exported') })
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      tell({ type: 'error', content: says(error), duration: 8 })
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: forms.map(key => ({ key, label: t(`forms.${key}`) })),
        onClick: ({ key }) => void take(forms.find(form => form === key) ?? 'json'),
      }}
    >
      <Button loading={isBusy}>{t('export')}</Button>
    </Dropdown>
  )
}
