// The person answers in the place of a tool that the model has called.
import { Button, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ToolCall } from '../api/gateway.ts'
import './words.ts'

interface ToolAnswerProps {
  readonly call: ToolCall
  readonly onAnswer: (text: string) => void
}

export function ToolAnswer({ call, onAnswer }: ToolAnswerProps) {
  const { t } = useTranslation('playground')
  const [text, setText] = useState('')
  return (
    <div className="tool-answer">
      <Input.TextArea
        className="grows"
        aria-label={t('answerCall', { name: call.function.name })}
        placeholder={t('answerCall', { name: call.function.name })}
        value={text}
        onChange={({ target: { value } }) => setText(value)}
      />
      <Button type="primary" disabled={text.trim() === ''} onClick={() => onAnswer(text)}>
        {t('answer')}
      </Button>
    </div>
  )
}
