// A field that is one input: which its schema asks for, with what is said of it, its default and what is wrong.
import { Form, Input, InputNumber, Select, Switch } from 'antd'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import type { KindInfo, Schema } from '../api/catalogue.ts'
import { useSaid } from '../kinds/said.ts'
import { type Labelled, shown, useFilling } from './filling.ts'
import { type Path, valueIn, withValue } from './json.ts'
import { ReferenceTo } from './reference.tsx'
import { Secret } from './secret-field.tsx'
import { patternOf, resolved, shapeOf } from './shape.ts'
import { yamlOf } from './text.ts'
import { YamlInput } from './yaml-input.tsx'
import './words.ts'

/** Whether it is one input; else it has an inside. */
export function isLine(kind: KindInfo, given: Schema, path: Path): boolean {
  const shape = shapeOf(resolved(given, kind.spec), kind.spec)
  switch (shape.type) {
    case 'map':
      return kind.secrets.includes(patternOf(path))
    case 'list':
      return ['text', 'choice'].includes(shapeOf(shape.item, kind.spec).type)
    case 'object':
    case 'variants':
      return false
    default:
      return true
  }
}

export function Line({ schema: given, path, label, isRequired = false }: Labelled) {
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
      if (inner.type !== 'text' && inner.type !== 'choice') return null
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
    default:
      return null
  }
}
