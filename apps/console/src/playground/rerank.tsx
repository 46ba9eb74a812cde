// Documents are put into the order in which they answer a query.
import { Button, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Caller } from '../api/gateway.ts'
import { FactTable } from '../parts/facts.tsx'
import { isRecord, linesOf, otherShape, promptTokens, useAsked } from './asked.ts'
import { ModelPick } from './model-pick.tsx'
import { Refusal } from './refusal.tsx'
import { Taken } from './taken.tsx'
import './words.ts'

interface RerankProps {
  readonly caller: Caller
  readonly models: readonly string[]
}

interface Given {
  readonly model: string
  readonly query: string
  readonly documents: readonly string[]
}

interface Ranked {
  readonly place: number
  readonly score: number
  readonly document: string
}

function read(
  body: unknown,
  { documents }: Given,
): { readonly value: readonly Ranked[]; readonly input?: number } {
  if (!isRecord(body) || !Array.isArray(body.results)) throw otherShape()
  const scored = body.results.map((one: unknown) => {
    if (!isRecord(one) || typeof one.index !== 'number') throw otherShape()
    const score = Number(one.relevance_score ?? one.score)
    return { score, document: documents[one.index] ?? '' }
  })
  const input = promptTokens(body)
  return {
    value: scored
      .toSorted((one, other) => other.score - one.score)
      .map((one, at) => ({ ...one, place: at + 1 })),
    ...(input !== undefined && { input }),
  }
}

export function Rerank({ caller, models }: RerankProps) {
  const { t } = useTranslation('playground')
  const [model, setModel] = useState(models[0] ?? '')
  const [query, setQuery] = useState('')
  const [text, setText] = useState('')
  const documents = linesOf(text)
  const { ask, isPending, done, refused } = useAsked<readonly Ranked[], Given>({
    caller,
    path: '/v1/rerank',
    body: given => ({ model: given.model, query: given.query, documents: given.documents }),
    read,
  })
  return (
    <section className="trial">
      <ModelPick label={t('model')} models={models} value={model} onChange={setModel} />
      <Input
        aria-label={t('query')}
        placeholder={t('query')}
        value={query}
        onChange={({ target: { value } }) => setQuery(value)}
      />
      <Input.TextArea
        aria-label={t('documents')}
        placeholder={t('documents')}
        className="grows"
        value={text}
        onChange={({ target: { value } }) => setText(value)}
      />
      <Button
        type="primary"
        loading={isPending}
        disabled={query.trim() === '' || documents.length === 0}
        onClick={() => ask({ model, query, documents })}
      >
        {t('order')}
      </Button>
      {refused && <Refusal refused={refused} />}
      {done && (
        <>
          <FactTable<Ranked>
            name="rerank"
            label={t('rank')}
            rowKey={({ place }) => String(place)}
            facts={done.value}
            empty="–"
            columns={[
              { key: 'rank', title: t('rank'), text: ({ place }) => String(place) },
              { key: 'score', title: t('score'), text: ({ score }) => score.toFixed(4) },
              { key: 'document', title: t('document'), text: ({ document }) => document },
            ]}
          />
          <Taken told={done.told} />
        </>
      )}
    </section>
  )
}
