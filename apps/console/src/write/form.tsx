// A form made of a schema: fields that are one input, and fields that have fields inside: members, items, entries by name,
// or one of several forms.
import { Button, Form, Input, Select } from 'antd'
import { type ReactNode, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schema } from '../api/catalogue.ts'
import { useSaid } from '../kinds/said.ts'
import { type At, type Labelled, useFilling } from './filling.ts'
import { isRecord, type Path, valueIn, withValue } from './json.ts'
import { isLine, Line } from './line.tsx'
import { PrincipalOf } from './reference.tsx'
import { emptyOf, fits, type Member, patternOf, resolved, shapeOf, type Variant } from './shape.ts'
import './words.ts'

/** A field with its label: inputs of one line, what has an inside as a group. */
export function Field(given: Labelled) {
  const { kind, value: document, onChange, isNew } = useFilling()
  const id = useId()
  const { path } = given
  const schema = resolved(given.schema, kind.spec)
  if (kind.references.find(one => one.path === patternOf(path))?.to === 'owner')
    return (
      <Group {...given} schema={schema}>
        <PrincipalOf
          id={id}
          value={valueIn(document, path)}
          onChange={next => onChange(withValue(document, path, next))}
          isDisabled={!isNew && path[0] === 'spec' && kind.immutable.includes(patternOf(path.slice(1)))}
        />
      </Group>
    )
  return isLine(kind, schema, path) ? <Line {...given} /> : <Group {...given} schema={schema} />
}

/** What has an inside: it is opened where it is not given, and taken away again. */
function Group({ schema, path, label, isRequired = false, children }: Labelled & { children?: ReactNode }) {
  const { t } = useTranslation('write')
  const said = useSaid()
  const { kind, value: document, onChange, details } = useFilling()
  const value = valueIn(document, path)
  const dotted = path.join('.')
  const wrong = details.filter(detail => detail.path === dotted)
  const isOpen = isRequired || value !== undefined || children !== undefined
  const set = (next: unknown) => onChange(withValue(document, path, next))
  const { description } = schema
  return (
    <fieldset className="group">
      <legend>
        {label}
        {isRequired && <span className="must"> *</span>}
      </legend>
      {description !== undefined && <p className="quiet group-help">{said.text(description)}</p>}
      {wrong.map(({ message }) => (
        <p key={message} role="alert" className="wrong">
          {message}
        </p>
      ))}
      {children ?? (isOpen && <Inside schema={schema} path={path} />)}
      {!isOpen && (
        <Button
          size="small"
          aria-label={t('setField', { field: label })}
          onClick={() => set(emptyOf(schema, kind.spec))}
        >
          {t('set')}
        </Button>
      )}
      {isOpen && !isRequired && value !== undefined && (
        <Button size="small" aria-label={t('removeField', { field: label })} onClick={() => set(undefined)}>
          {t('remove')}
        </Button>
      )}
    </fieldset>
  )
}

function Inside({ schema, path }: At) {
  const { kind } = useFilling()
  const shape = shapeOf(schema, kind.spec)
  switch (shape.type) {
    case 'object':
      return <Fields members={shape.members} path={path} />
    case 'list':
      return <Items item={shape.item} path={path} />
    case 'map':
      return <Entries item={shape.item} path={path} />
    case 'variants':
      return <Variants variants={shape.variants} path={path} />
    default:
      return <Field schema={schema} path={path} label={String(path.at(-1))} isRequired />
  }
}

export function Fields({ members, path }: { readonly members: readonly Member[]; readonly path: Path }) {
  const said = useSaid()
  return members.map(({ name, schema, isRequired }) => (
    <Field
      key={name}
      schema={schema}
      path={[...path, name]}
      label={said.field(name)}
      isRequired={isRequired}
    />
  ))
}

function Items({ item, path }: { readonly item: Schema; readonly path: Path }) {
  const { t } = useTranslation('write')
  const { kind, value: document, onChange } = useFilling()
  const value = valueIn(document, path)
  const items: readonly unknown[] = Array.isArray(value) ? value : []
  const change = (next: unknown) => onChange(withValue(document, path, next))
  return (
    <>
      {items.map((_, place) => (
        <fieldset className="group item" key={place}>
          <legend>{t('item', { number: place + 1 })}</legend>
          <Inside schema={resolved(item, kind.spec)} path={[...path, place]} />
          <Button
            size="small"
            aria-label={t('removeField', { field: t('item', { number: place + 1 }) })}
            onClick={() => change(items.filter((_, other) => other !== place))}
          >
            {t('remove')}
          </Button>
        </fieldset>
      ))}
      <Button size="small" onClick={() => change([...items, emptyOf(item, kind.spec)])}>
        {t('add')}
      </Button>
    </>
  )
}

interface EntriesProps {
  readonly item: Schema
  readonly path: Path
  /** What is written; the name of the field when absent. */
  readonly label?: string
}

export function Entries({ item, path, label }: EntriesProps) {
  const { t } = useTranslation('write')
  const said = useSaid()
  const { kind, value: document, onChange } = useFilling()
  const [name, setName] = useState('')
  const value = valueIn(document, path)
  const entries = isRecord(value) ? Object.keys(value) : []
  const add = () => {
    if (name.trim() === '' || entries.includes(name.trim())) return
    onChange(withValue(document, [...path, name.trim()], emptyOf(item, kind.spec)))
    setName('')
  }
  return (
    <>
      {entries.map(key => (
        <div className="entry" key={key}>
          <Field schema={item} path={[...path, key]} label={key} isRequired />
          <Button
            size="small"
            aria-label={t('removeField', { field: key })}
            onClick={() => onChange(withValue(document, [...path, key], undefined))}
          >
            {t('remove')}
          </Button>
        </div>
      ))}
      <div className="entry">
        <Input
          value={name}
          aria-label={t('newKeyOf', { field: label ?? said.field(String(path.at(-1))) })}
          placeholder={t('newKey')}
          onChange={({ target }) => setName(target.value)}
          onPressEnter={event => {
            event.preventDefault()
            add()
          }}
        />
        <Button onClick={add} disabled={name.trim() === ''}>
          {t('add')}
        </Button>
      </div>
    </>
  )
}

const types = ['string', 'object', 'array', 'integer', 'number', 'boolean', 'any'] as const

const isType = (label: string): label is (typeof types)[number] =>
  (types as readonly string[]).includes(label)

function Variants({ variants, path }: { readonly variants: readonly Variant[]; readonly path: Path }) {
  const { t } = useTranslation('write')
  const said = useSaid()
  const { kind, value: document, onChange, isNew } = useFilling()
  const id = useId()
  const value = valueIn(document, path)
  const found = variants.findIndex(variant => fits(variant, value))
  const chosen = variants[Math.max(0, found)]
  if (!chosen) return null
  const choose = (place: number) => {
    const next = variants[place]
    if (!next) return
    // What both have is kept.
    const kept = isRecord(value)
      ? Object.fromEntries(
          Object.entries(value).filter(([name]) => Object.hasOwn(next.schema.properties ?? {}, name)),
        )
      : {}
    const fresh = next.tag ? { ...kept, [next.tag.name]: next.tag.value } : emptyOf(next.schema, kind.spec)
    onChange(withValue(document, path, fresh))
  }
  const shape = shapeOf(chosen.schema, kind.spec)
  const { tag } = chosen
  const isFixed =
    !isNew && tag !== undefined && kind.immutable.includes(patternOf([...path.slice(1), tag.name]))
  return (
    <>
      <Form.Item label={tag ? said.field(tag.name) : t('variant')} htmlFor={id}>
        <Select
          id={id}
          disabled={isFixed}
          value={Math.max(0, found)}
          options={variants.map(({ label }, place) => ({
            value: place,
            label: isType(label) ? t(`types.${label}`) : label,
          }))}
          onChange={choose}
        />
      </Form.Item>
      {shape.type === 'object' ? (
        <Fields members={shape.members.filter(({ name }) => name !== tag?.name)} path={path} />
      ) : (
        <Field schema={chosen.schema} path={path} label={t('value')} isRequired />
      )}
    </>
  )
}
