// A field that is written and never read: what is not written is kept.
import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { shown, useFilling } from './filling.ts'
import { type Path, valueIn, withValue } from './json.ts'
import { YamlInput } from './yaml-input.tsx'
import './words.ts'

interface SecretProps {
  readonly id: string
  readonly path: Path
  readonly isMap: boolean
  readonly label: string
  readonly extra: string | undefined
}

export function Secret({ id, path, isMap, ...item }: SecretProps) {
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
