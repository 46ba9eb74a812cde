// A form made of a schema: one input for each shape, with what is said of the field, its default and what is wrong.
import type { Fault } from '@switchyard/kinds/fault'
import { Button, Form, Input, InputNumber, Select, Switch } from 'antd'
import { createContext, use, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { KindInfo, Schema } from '../api/catalogue.ts'
import { useSaid } from '../kinds/said.ts'
import { isRecord, type Path, valueIn, withValue } from './json.ts'
import { PrincipalOf, ReferenceTo } from './reference.tsx'
import { emptyOf, fits, type Member, patternOf, resolved, shapeOf, type Variant } from './shape.ts'
import { yamlOf } from './text.ts'
import { YamlInput } from './yaml-input.tsx'
import './words.ts'

/** What every field of one form knows. */
export interface Filling {
  readonly kind: KindInfo
  /** The whole document. */
  readonly value: unknown
  readonly onChange: (value: unknown) => void
  /** What is wrong, by path. */
  readonly details: Fault['details']
  readonly isNew: boolean
  /** Secrets that hold something already, by their path. */
  readonly set: readonly string[]
}

const context = createContext<Filling | undefined>(undefined)

export const FillingProvider = context.Provider

function useFilling(): Filling {
  const filling = use(context)
  if (!filling) throw new TypeError('There is no form around this.')
  return filling
}

interface At {
  readonly schema: Schema
  readonly path: Path
}

interface Labelled extends At {
  readonly label: string
  readonly isRequired?: boolean
}

const shown = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

/** A field with its label: inputs of one line here, what has an inside as a group. */
export function Field({ schema: given, path, label, isRequired = false }: Labelled) {
  const { t } = useTranslation('write')
  const said = useSaid()
  const { kind, value: document, onChange, details, isNew } = useFilling()
  const id = useId()
  const schema = resolved(given, kind.spec)
  const shape = shapeOf(schema, kind.spec)
  const value = valueIn(document, path)
  const set = (next: unknown) => onChange(withValue(document, path, next))
  const dotted = path.join('.')
  const wrong = details.filter(detail => detail.path === dotted).map(({ message }) => message)
  const below = patternOf(path.slice(1))
  const isFixed = !isNew && path[0] === 'spec' && kind.immutable.includes(below)
  const reference = kind.references.find(one => one.path === patternOf(path))
  const isSecret = kind.secrets.includes(patternOf(path))
  const { minimum, maximum, description } = schema
  const range =
    shape.type === 'number' && minimum !== undefined && maximum !== undefined && maximum < 1e9
      ? t('range', { from: minimum, to: maximum })
      : ''
  const help = [isFixed ? t('immutable') : '', description === undefined ? '' : said.text(description), range]
  const item = {
    label,
    htmlFor: id,
    required: isRequired,
    extra: help.filter(text => text !== '').join(' ') || undefined,
    ...(wrong.length > 0 && { validateStatus: 'error' as const, help: wrong.join(' ') }),
  }
  const common = { id, disabled: isFixed, ...(wrong.length > 0 && { status: 'error' as const }) }
  const placeholder =
    schema.default === undefined ? undefined : t('default', { value: shown(schema.default) })
  const hint = placeholder !== undefined && { placeholder }

  if (isSecret && (shape.type === 'text' || shape.type === 'map'))
    return <Secret {...item} id={id} path={path} isMap={shape.type === 'map'} />
  if (reference?.to === 'owner')
    return (
      <Group schema={schema} path={path} label={label} isRequired={isRequired}>
        <PrincipalOf value={value} onChange={set} isDisabled={isFixed} id={id} />
      </Group>
    )
  if (reference && shape.type === 'text')
    return (
      <Form.Item {...item}>
        <ReferenceTo {...common} to={reference.to} value={value} onChange={set} {...hint} />
      </Form.Item>
    )
  switch (shape.type) {
    case 'text':
      return (
        <Form.Item {...item}>
          <Input
            {...common}
            {...hint}
            value={shown(value)}
            autoComplete="off"
            spellCheck={false}
            onChange={({ target }) => set(target.value === '' && !isRequired ? undefined : target.value)}
          />
        </Form.Item>
      )
    case 'number':
      return (
        <Form.Item {...item}>
          <InputNumber<number>
            {...common}
            {...hint}
            className="number"
            value={typeof value === 'number' ? value : null}
            {...(shape.isWhole && { precision: 0 })}
            onChange={next => set(next ?? undefined)}
          />
        </Form.Item>
      )
    case 'switch':
      return (
        <Form.Item {...item}>
          <Switch
            id={id}
            disabled={isFixed}
            checked={(value ?? schema.default) === true}
            onChange={next => set(next)}
          />
        </Form.Item>
      )
    case 'choice':
      return (
        <Form.Item {...item}>
          <Select
            {...common}
            {...hint}
            allowClear={!isRequired}
            showSearch={shape.options.length > 8}
            value={value ?? null}
            options={shape.options.map(option => ({ value: option as string, label: String(option) }))}
            onChange={next => set(next ?? undefined)}
          />
        </Form.Item>
      )
    case 'list': {
      const inner = shapeOf(shape.item, kind.spec)
      const itemReference = kind.references.find(one => one.path === `${patternOf(path)}[]`)
      if (inner.type !== 'text' && inner.type !== 'choice') break
      const items: readonly unknown[] = Array.isArray(value) ? value : []
      if (itemReference)
        return (
          <Form.Item {...item}>
            <ReferenceTo
              {...common}
              {...hint}
              isMany
              to={itemReference.to}
              value={items}
              onChange={next => set(Array.isArray(next) && next.length > 0 ? next : undefined)}
            />
          </Form.Item>
        )
      return (
        <Form.Item
          {...item}
          extra={[item.extra, inner.type === 'text' && t('tags')].filter(Boolean).join(' ')}
        >
          <Select
            {...common}
            {...hint}
            mode={inner.type === 'choice' ? 'multiple' : 'tags'}
            {...(inner.type === 'text' && { open: false, suffixIcon: null })}
            value={items.map(String)}
            options={inner.type === 'choice' ? inner.options.map(option => ({ value: String(option) })) : []}
            onChange={next => set(next.length > 0 || isRequired ? next : undefined)}
          />
        </Form.Item>
      )
    }
    case 'any':
      return (
        <Form.Item {...item}>
          <YamlInput
            {...common}
            value={value}
            onChange={set}
            placeholder={schema.default === undefined ? '' : yamlOf(schema.default).trimEnd()}
          />
        </Form.Item>
      )
  }
  return <Group schema={schema} path={path} label={label} isRequired={isRequired} />
}

interface SecretProps {
  readonly id: string
  readonly path: Path
  readonly isMap: boolean
  readonly label: string
  readonly extra: string | undefined
}

/** It is written and never read: what is not written is kept. */
function Secret({ id, path, isMap, ...item }: SecretProps) {
  const { t } = useTranslation('write')
  const { value: document, onChange, isNew, set } = useFilling()
  const value = valueIn(document, path)
  const change = (next: unknown) => onChange(withValue(document, path, next))
  const isSet = set.includes(path.join('.'))
  const placeholder = isNew ? '' : t(isSet ? 'secretSet' : 'secretKept')
  if (isMap)
    return (
      <Form.Item {...item} htmlFor={id}>
        <YamlInput id={id} value={value} onChange={change} placeholder={placeholder} />
      </Form.Item>
    )
  return (
    <Form.Item {...item} htmlFor={id}>
      <Input.Password
        id={id}
        value={shown(value)}
        placeholder={placeholder}
        autoComplete="new-password"
        onChange={({ target }) => change(target.value === '' ? undefined : target.value)}
      />
    </Form.Item>
  )
}

/** What has an inside: it is opened where it is not given, and taken away again. */
function Group({
  schema,
  path,
  label,
  isRequired = false,
  children,
}: Labelled & { children?: React.ReactNode }) {
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
