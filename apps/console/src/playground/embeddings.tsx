// Texts become vectors: how large they are, and how alike each is to each.
import { Button, Input, Typography } from 'antd'
import { type CSSProperties, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Caller } from '../api/gateway.ts'
import { isRecord, linesOf, otherShape, promptTokens, useAsked } from './asked.ts'
import { ModelPick } from './model-pick.tsx'
import { Refusal } from './refusal.tsx'
import { cosine } from './similarity.ts'
import { Taken } from './taken.tsx'
import './words.ts'

interface EmbeddingsProps {
  readonly caller: Caller
  readonly models: readonly string[]
}

interface Given {
  readonly model: string
  readonly texts: readonly string[]
}

interface Vectors {
  readonly texts: readonly string[]
  readonly vectors: readonly (readonly number[])[]
}

const isVector = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every(one => typeof one === 'number')

function read(body: unknown, { texts }: Given): { readonly value: Vectors; readonly input?: number } {
  if (!isRecord(body) || !Array.isArray(body.data)) throw otherShape()
  const vectors = body.data.map((one: unknown) => {
    if (isRecord(one) && isVector(one.embedding)) return one.embedding
    throw otherShape()
  })
  const input = promptTokens(body)
  return { value: { texts, vectors }, ...(input !== undefined && { input }) }
}

export function Embeddings({ caller, models }: EmbeddingsProps) {
  const { t } = useTranslation('playground')
  const [model, setModel] = useState(models[0] ?? '')
  const [text, setText] = useState('')
  const texts = linesOf(text)
  const { ask, isPending, done, refused } = useAsked<Vectors, Given>({
    caller,
    path: '/v1/embeddings',
    body: input => ({ model: input.model, input: input.texts, encoding_format: 'float' }),
    read,
  })
  return (
    <section className="trial">
      <ModelPick label={t('model')} models={models} value={model} onChange={setModel} />
      <Input.TextArea
        aria-label={t('texts')}
        placeholder={t('texts')}
        className="grows"
        value={text}
        onChange={({ target: { value } }) => setText(value)}
      />
      <Button
        type="primary"
        loading={isPending}
        disabled={texts.length === 0}
        onClick={() => ask({ model, texts })}
      >
        {t('embed')}
      </Button>
      {refused && <Refusal refused={refused} />}
      {done && (
        <>
          <p>
            {t('vectors', { count: done.value.vectors.length, size: done.value.vectors[0]?.length ?? 0 })}
          </p>
          <Typography.Title level={3}>{t('similarity')}</Typography.Title>
          <Matrix {...done.value} />
          <Taken told={done.told} />
        </>
      )}
    </section>
  )
}

function Matrix({ texts, vectors }: Vectors) {
  const { t } = useTranslation('playground')
  return (
    <section className="matrix" aria-label={t('similarity')}>
      <table>
        <thead>
          <tr>
            <td />
            {texts.map((text, place) => (
              <th key={place} scope="col" title={text}>
                {place + 1}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {vectors.map((one, row) => (
            <tr key={row}>
              <th scope="row" title={texts[row]}>
                {row + 1}. {texts[row]}
              </th>
              {vectors.map((other, place) => {
                const alike = cosine(one, other)
                return (
                  <td
                    key={place}
                    style={{ '--alike': `${Math.round(Math.max(0, alike) * 45)}%` } as CSSProperties}
                  >
                    {alike.toFixed(3)}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
