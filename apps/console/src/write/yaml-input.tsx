// A value of any shape, written as YAML in a few lines.
import { Input } from 'antd'
import { useState } from 'react'
import { parseDocument } from 'yaml'
import { isSame } from './json.ts'
import { yamlOf } from './text.ts'

interface YamlInputProps {
  readonly id: string
  readonly value: unknown
  readonly onChange: (value: unknown) => void
  readonly placeholder?: string
  readonly disabled?: boolean
  readonly status?: 'error'
}

interface Written {
  readonly text: string
  readonly value: unknown
  readonly problem?: string | undefined
}

const written = (value: unknown): Written => ({
  text: value === undefined ? '' : yamlOf(value).trimEnd(),
  value,
})

function read(text: string): Written {
  if (text.trim() === '') return { text, value: undefined }
  const document = parseDocument(text)
  const [error] = document.errors
  return error
    ? { text, value: undefined, problem: error.message.split('\n')[0] }
    : { text, value: document.toJS() as unknown }
}

export function YamlInput({ id, value, onChange, status, ...input }: YamlInputProps) {
  const [own, setOwn] = useState(() => written(value))
  // What is being written stays as it is written, for as long as it means what is held.
  const shown = own.problem !== undefined || isSame(own.value, value) ? own : written(value)
  const problem = shown.problem
  return (
    <>
      <Input.TextArea
        {...input}
        id={id}
        className="code"
        // Growing by itself is done with a style that the page's policy refuses.
        rows={Math.min(14, Math.max(2, shown.text.split('\n').length))}
        spellCheck={false}
        value={shown.text}
        {...((problem !== undefined || status) && { status: 'error' as const })}
        onChange={({ target }) => {
          const next = read(target.value)
          setOwn(next)
          if (next.problem === undefined) onChange(next.value)
        }}
      />
      {problem !== undefined && (
        <p role="alert" className="wrong">
          {problem}
        </p>
      )}
    </>
  )
}
