// What is asked of a model beside the words: how it chooses, how much, in which form, and with which tools.
import { Button, Form, Input, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { type Parameters, readJson } from './thread.ts'
import './words.ts'

interface ParametersFormProps {
  readonly parameters: Parameters
  readonly onChange: (parameters: Parameters) => void
}

const example = JSON.stringify(
  {
    name: 'weather',
    description: 'The weather in a city now.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
  null,
  2,
)

const numbers = [
  { name: 'temperature', min: 0, max: 2, step: 0.1 },
  { name: 'topP', min: 0, max: 1, step: 0.05 },
  { name: 'maxTokens', min: 1, max: 1_000_000, step: 1 },
  { name: 'seed', min: 0, max: 2_147_483_647, step: 1 },
] as const

function JsonField({
  label,
  help,
  value,
  onChange,
}: {
  readonly label: string
  readonly help?: string
  readonly value: string
  readonly onChange: (text: string) => void
}) {
  const { t } = useTranslation('playground')
  const { wrong } = readJson(value)
  return (
    <Form.Item
      label={label}
      extra={help}
      {...(wrong !== undefined && { validateStatus: 'error' as const, help: t('badJson', { why: wrong }) })}
    >
      <Input.TextArea
        className="code grows"
        aria-label={label}
        spellCheck={false}
        value={value}
        onChange={({ target }) => onChange(target.value)}
      />
    </Form.Item>
  )
}

export function ParametersForm({ parameters, onChange }: ParametersFormProps) {
  const { t } = useTranslation('playground')
  const set = (change: Partial<Parameters>) => onChange({ ...parameters, ...change })
  const { system, stop, format, schema, tools } = parameters
  return (
    <Form layout="vertical" component="div" className="parameters">
      <Form.Item label={t('system')}>
        <Input.TextArea
          aria-label={t('system')}
          className="grows"
          value={system}
          onChange={({ target: { value } }) => set({ system: value })}
        />
      </Form.Item>
      <div className="pair">
        {numbers.map(({ name, ...range }) => (
          <Form.Item key={name} label={t(name)}>
            <InputNumber
              {...range}
              aria-label={t(name)}
              placeholder={t('standard')}
              value={parameters[name] ?? null}
              onChange={value => set({ [name]: value ?? undefined })}
            />
          </Form.Item>
        ))}
      </div>
      <Form.Item label={t('stop')}>
        <Select
          mode="tags"
          aria-label={t('stop')}
          open={false}
          suffixIcon={null}
          value={[...stop]}
          onChange={value => set({ stop: value.slice(0, 4) })}
        />
      </Form.Item>
      <Form.Item label={t('format')}>
        <Select
          aria-label={t('format')}
          value={format}
          onChange={value => set({ format: value })}
          options={(['text', 'json_object', 'json_schema'] as const).map(value => ({
            value,
            label: t(`formats.${value}`),
          }))}
        />
      </Form.Item>
      {format === 'json_schema' && (
        <JsonField label={t('schema')} value={schema} onChange={value => set({ schema: value })} />
      )}
      <JsonField
        label={t('tools')}
        help={t('toolsHelp')}
        value={tools}
        onChange={value => set({ tools: value })}
      />
      {tools.trim() === '' && (
        <Button size="small" onClick={() => set({ tools: example })}>
          {t('toolsExample')}
        </Button>
      )}
    </Form>
  )
}
