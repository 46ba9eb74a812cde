// One argument of an engine: the control that its JSON Schema asks for.
import type { DocumentOf, engine } from '@switchyard/kinds'
import { Input, InputNumber, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schema } from '../api/catalogue.ts'
import { useSaid } from '../kinds/said.ts'
import { Field } from './field.tsx'

interface ArgumentProps {
  readonly name: string
  readonly argument: DocumentOf<typeof engine>['spec']['arguments'][string]
  readonly value: unknown
  /** undefined: the engine's own default. */
  readonly onChange: (value: unknown) => void
}

export function ArgumentField({ name, argument, value, onChange }: ArgumentProps) {
  const { t } = useTranslation('deploy')
  const said = useSaid()
  const schema = argument.schema as Schema // of JSON Schema, as far as forms read it
  const { type, minimum, maximum } = schema
  const [written, setWritten] = useState(() => (value === undefined ? '' : JSON.stringify(value)))
  const [isBad, setBad] = useState(false)
  const range =
    minimum !== undefined && maximum !== undefined ? t('engine.from', { minimum, maximum }) : undefined
  const help = [argument.doc === undefined ? undefined : said.text(argument.doc), range]
    .filter(text => text !== undefined)
    .join(' · ')
  const label = argument.flag
  const choices =
    type === 'boolean'
      ? [
          { value: 'true', label: t('engine.on') },
          { value: 'false', label: t('engine.off') },
        ]
      : schema.enum?.map(one => ({ value: String(one), label: String(one) }))
  if (choices)
    return (
      <Field label={label} help={help}>
        {ids => (
          <Select
            {...ids}
            allowClear
            className="field-control"
            value={typeof value === 'boolean' || typeof value === 'string' ? String(value) : null}
            options={choices}
            onChange={(next?: string | null) =>
              onChange(type === 'boolean' && next ? next === 'true' : (next ?? undefined))
            }
          />
        )}
      </Field>
    )
  if (type === 'integer' || type === 'number')
    return (
      <Field label={label} help={help}>
        {ids => (
          <InputNumber
            {...ids}
            className="field-control"
            {...(minimum !== undefined && { min: minimum })}
            {...(maximum !== undefined && { max: maximum })}
            {...(type === 'integer' && { precision: 0 })}
            value={typeof value === 'number' ? value : null}
            onChange={next => onChange(next ?? undefined)}
          />
        )}
      </Field>
    )
  if (type === 'string')
    return (
      <Field label={label} help={help}>
        {ids => (
          <Input
            {...ids}
            value={typeof value === 'string' ? value : ''}
            onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
          />
        )}
      </Field>
    )
  const read = (text: string) => {
    setWritten(text)
    try {
      onChange(text === '' ? undefined : (JSON.parse(text) as unknown))
      setBad(false)
    } catch {
      setBad(true) // said beside it; the value before stays
    }
  }
  return (
    <Field label={label} help={`${help} · ${name}`} problem={isBad ? t('engine.badJson') : undefined}>
      {ids => <Input {...ids} value={written} onChange={({ target }) => read(target.value)} />}
    </Field>
  )
}
